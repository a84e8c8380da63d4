#include "json.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace attnbench::json {
namespace {

// Bytes of the well-formed UTF-8 sequence that `text` begins with; 0 if it is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first < 0xc2 || first >= 0xf5 ? 0
                             : first < 0xe0                  ? 2
                             : first < 0xf0                  ? 3
                                                             : 4;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Overlong forms, UTF-16 surrogates, and what lies beyond U+10FFFF.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char first = text[0];
    if (length == 0) {
      out += "\\ufffd";  // file names need not be UTF-8, JSON has to be
    } else if (first == '"' || first == '\\') {
      (out += '\\') += first;
    } else if (static_cast<unsigned char>(first) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(first));
      out += escape.data();
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

}  // namespace

Value::Value(std::string_view text) { append_quoted(text_, text); }

Value::Value(double number) : text_("null") {
  if (!std::isfinite(number)) return;
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.17g", number);
  text_ = digits.data();
}

void Object::set(std::string_view key, const Value& value) {
  text_.pop_back();
  if (text_.size() > 1) text_ += ',';
  append_quoted(text_, key);
  (text_ += ':') += value.text();
  text_ += '}';
}

}  // namespace attnbench::json
