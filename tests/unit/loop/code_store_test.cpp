#include "amdahl/loop/code_store.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

using namespace amdahl;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("amdahl-code-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path / "work" / "lib");
    write("a.py", "print(1)\n");
    write("lib/b.py", "x = 2\n");
    write("data.bin", "0");
    job.name = "eval";
    job.workdir = (path / "work").string();
    job.code = {"*.py", "lib/*.py"};
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& file, const std::string& text) {
    std::ofstream{path / "work" / file} << text;
  }
  core::JobSpec job;
};

}  // namespace

TEST_CASE("a snapshot holds the named files and stays as it was", "[loop][code]") {
  Folder folder;
  loop::FileCodeStore store{folder.path / "store"};
  const auto first = store.snapshot(folder.job).value();
  CHECK(first.files == 2);
  folder.write("a.py", "print(2)\n");
  std::ifstream in{fs::path{first.dir} / "a.py"};
  CHECK(std::string{std::istreambuf_iterator<char>{in}, {}} == "print(1)\n");
  const auto second = store.snapshot(folder.job).value();
  CHECK(second.digest != first.digest);
  CHECK(store.find(first.digest));
  CHECK_FALSE(store.find("absent"));
}

TEST_CASE("the digest follows content, path and mode, and nothing else", "[loop][code]") {
  Folder folder;
  loop::FileCodeStore store{folder.path / "store"};
  const auto before = store.snapshot(folder.job).value().digest;
  folder.write("data.bin", "1");
  CHECK(store.snapshot(folder.job).value().digest == before);
  fs::permissions(folder.path / "work" / "a.py", fs::perms::owner_exec, fs::perm_options::add);
  CHECK(store.snapshot(folder.job).value().digest != before);
}

TEST_CASE("code that cannot be found is an error with the fix", "[loop][code]") {
  Folder folder;
  loop::FileCodeStore store{folder.path / "store"};
  folder.job.code = {"*.rs"};
  CHECK(store.snapshot(folder.job).error().message.find("no file matches") != std::string::npos);
  folder.job.code.clear();
  CHECK(store.snapshot(folder.job).error().hint.find("job.code") != std::string::npos);
  folder.job.workdir = "/nowhere";
  CHECK(store.snapshot(folder.job).has_error());
}
