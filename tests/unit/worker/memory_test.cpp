#include "memory.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "time_source.hpp"

using namespace amdahl;

TEST_CASE("on a machine that let us wait memory is looked at again soon", "[worker][memory]") {
  constexpr std::int64_t second_ns = 1'000'000'000;
  worker::MemoryWatch watch{::getpid()};
  const auto begun = worker::monotonic_ns();
  // As if others had had the processor since: only what looking itself costs puts off the next
  // look.
  watch.sample(begun - second_ns);
  CHECK(watch.next_ns() > begun);
  CHECK(watch.next_ns() < begun + 20 * second_ns);
}
