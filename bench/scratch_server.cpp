#include "scratch_server.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "amdahl/ledger/migrator.hpp"
#include "table.hpp"

namespace amdahl::bench {
namespace {

namespace fs = std::filesystem;

fs::path make_folder() {
  auto pattern = (fs::temp_directory_path() / "amdahl-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
  ::chmod(pattern.c_str(), 0711);  // the server's user must reach its own folder below
  return pattern;
}

ledger::PrivateServerOptions options_below(const fs::path& folder) {
  ledger::PrivateServerOptions options;
  options.data_dir = folder / "data";
  options.socket_dir = folder / "run";
  return options;
}

}  // namespace

ScratchServer::ScratchServer()
    : folder_{make_folder()}, server_{must(ledger::PrivateServer::start(options_below(folder_)))} {}

ScratchServer::~ScratchServer() {
  (void)server_.stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

// Of the postmaster: it has waited for the processes of those sessions.
double ScratchServer::cpu_seconds() const {
  std::ifstream pid_file{folder_ / "data/postmaster.pid"};
  long pid = 0;
  pid_file >> pid;
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  stat.ignore(4096, ')');
  std::string skipped;
  for (int field = 3; field < 16; ++field) stat >> skipped;
  double user = 0, system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string ScratchServer::make_ledger(const std::string& name) {
  must(server_.ensure_database(name));
  must(ledger::migrate(server_.owner_url(name), "amdahl_service"));
  return server_.owner_url(name);
}

}  // namespace amdahl::bench
