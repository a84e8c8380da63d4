#include "measure.h"

#include <chrono>
#include <thread>

#include "fine_clock.h"
#include "system.h"

namespace attnbench {
namespace {

struct Step {
  std::int64_t prepare_ns;
  std::int64_t run_ns;
};

Step step(Session& session, bool fine = false) {
  const std::int64_t start = now_ns();
  session.prepare();
  const std::int64_t ready = now_ns();
  {
    const FineClock clock(fine);
    session.run();
  }
  const std::int64_t end = now_ns();
  return {ready - start, end - ready};
}

// Busy, since a sleep would end with the timer's interrupt.
void await_phase(int i, const Schedule& schedule) {
  const std::int64_t period = schedule.stagger_ns;
  if (period == 0) return;
  const std::int64_t phase = period * i / schedule.iterations;
  while ((now_ns() + period - phase) % period > period / 64) {
  }
}

// What loading leaves to the kernel, as freeing memory, other processors do later, and it counts.
void settle(const Schedule& schedule) {
  if (schedule.stagger_ns != 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

}  // namespace

Times measure(Session* plain, Session* traced, Schedule schedule, const Counters* counters) {
  Session& primary = plain != nullptr ? *plain : *traced;
  Session* secondary = plain != nullptr ? traced : nullptr;
  Times times;
  auto& primary_ns = plain != nullptr ? times.plain_ns : times.traced_ns;
  const auto count = static_cast<std::size_t>(schedule.iterations);
  for (auto* series : {&primary_ns, &times.traced_ns, &times.prepare_ns}) series->reserve(count);

  times.first_ns = step(primary).run_ns;
  if (secondary != nullptr) step(*secondary);
  settle(schedule);
  for (int i = 0; i < schedule.warmup; ++i) {
    times.warmup_ns.push_back(step(primary).run_ns);
    if (secondary != nullptr) step(*secondary);
  }
  if (traced != nullptr) traced->start_trace();
  if (counters != nullptr) counters->start();
  for (int i = 0; i < schedule.iterations; ++i) {
    await_phase(i, schedule);
    const Step timed = step(primary, plain == nullptr);
    primary_ns.push_back(timed.run_ns);
    times.prepare_ns.push_back(timed.prepare_ns);
    if (secondary == nullptr) continue;
    await_phase(i, schedule);
    times.traced_ns.push_back(step(*secondary, true).run_ns);
  }
  if (counters != nullptr) counters->stop();
  return times;
}

}  // namespace attnbench
