#include "output.hpp"

#include <catch2/catch.hpp>

#include "amdahl/core/limits.hpp"
#include "support/scratch_folder.hpp"

using namespace amdahl;
using worker::BoundedOutput;

namespace {

constexpr std::size_t bound = 256 * 1024;

}  // namespace

TEST_CASE("short output is kept as it is", "[worker][output]") {
  test::ScratchFolder folder;
  BoundedOutput output{folder.path() / "out", bound};
  output.add("one\n");
  output.add("two\n");
  output.finish();
  CHECK(folder.read("out") == "one\ntwo\n");
  CHECK(output.tail() == "one\ntwo\n");
}

TEST_CASE("long output keeps its begin and its end within the bound", "[worker][output]") {
  test::ScratchFolder folder;
  BoundedOutput output{folder.path() / "out", bound};
  output.add("begin\n");
  for (int i = 0; i < 10'000; ++i)
    output.add("0123456789012345678901234567890123456789012345678\n");
  output.add("end\n");
  output.finish();
  const auto text = folder.read("out");
  CHECK(text.size() <= bound);
  CHECK(text.size() > bound / 2);
  CHECK(text.starts_with("begin\n"));
  CHECK(text.ends_with("78\nend\n"));
  CHECK(text.find("[amdahl-run left out ") != std::string::npos);
  CHECK(output.tail().size() == core::limits::error_tail_bytes);
  CHECK(output.tail().ends_with("end\n"));
}

TEST_CASE("output a little beyond the head is kept whole", "[worker][output]") {
  test::ScratchFolder folder;
  BoundedOutput output{folder.path() / "out", bound};
  const std::string text(bound - 1000, 'x');
  output.add(text);
  output.finish();
  CHECK(folder.read("out") == text);
}

TEST_CASE("a file that cannot be made costs the output, not the leg", "[worker][output]") {
  BoundedOutput output{"/no/such/folder/out", bound};
  output.add("something\n");
  output.finish();
  CHECK(output.tail() == "something\n");
}
