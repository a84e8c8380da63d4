// JSON, written only: a Value is text that is already encoded.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attnbench::json {

class Value {
 public:
  Value(std::nullptr_t) : text_("null") {}
  Value(std::string_view text);
  Value(const std::string& text) : Value(std::string_view(text)) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  Value(double number);
  template <std::integral Number>
  Value(Number number) : text_(std::to_string(number)) {}
  template <class T>
  Value(const std::optional<T>& value) : Value(value ? Value(*value) : Value(nullptr)) {}
  template <class T>
  Value(const std::vector<T>& values) : text_("[") {
    for (const T& value : values) add(Value(value));
    text_ += ']';
  }

  const std::string& text() const { return text_; }

 protected:
  struct Open {};
  Value(Open, char bracket) : text_(1, bracket) {}
  void add(const Value& value) {
    if (text_.size() > 1) text_ += ',';
    text_ += value.text_;
  }

  std::string text_;
};

// Keys in the order given, so that a document reads the same every time.
class Object : public Value {
 public:
  Object() : Value(Open{}, '{') { text_ += '}'; }
  Object(std::initializer_list<std::pair<std::string_view, Value>> members) : Object() {
    for (const auto& [key, value] : members) set(key, value);
  }
  void set(std::string_view key, const Value& value);
};

}  // namespace attnbench::json
