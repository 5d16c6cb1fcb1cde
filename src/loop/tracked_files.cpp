#include "tracked_files.hpp"

#include <fmt/format.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <boost/process/child.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/search_path.hpp>

#include "amdahl/core/limits.hpp"

namespace amdahl::loop {

namespace bp = boost::process;

core::Result<std::vector<std::string>> tracked_files(const std::string& directory) {
  const core::Error failure{
      core::ErrorCode::invalid_input,
      fmt::format("{} is not below a git repository, so its code is unknown", directory),
      "list the job's files in job.code, for example code = [\"*.py\"]"};
  const auto git = bp::search_path("git");
  if (git.empty()) return failure;
  try {
    bp::ipstream out;
    bp::child child{
        git, "-C", directory, "ls-files", "-z", bp::std_out > out, bp::std_err > bp::null,
        bp::std_in < bp::null,
        // Sockets and locks of ours stay ours.
        bp::extend::on_exec_setup([](auto&) { ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); })};
    std::vector<std::string> paths;
    for (std::string path;
         std::getline(out, path, '\0') && paths.size() <= core::limits::snapshot_files;) {
      paths.push_back(path);
    }
    if (paths.size() > core::limits::snapshot_files) child.terminate();
    child.wait();
    if (child.exit_code() != 0 || paths.empty()) return failure;
    return paths;
  } catch (const std::exception&) {
    return failure;
  }
}

}  // namespace amdahl::loop
