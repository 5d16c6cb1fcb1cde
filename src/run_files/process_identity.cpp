#include "amdahl/run_files/process_identity.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::run_files {
namespace {

constexpr std::size_t proc_file_bytes = 256 * 1024;  // environ may hold an argument list's worth

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

struct ProcStat {
  char state = '?';
  pid_t session = 0;
  std::uint64_t start_ticks = 0;
};

// The command's name stands in parentheses and may hold anything: fields count from the last ')'.
std::optional<ProcStat> read_stat(pid_t pid) {
  const auto text = read_file(proc_path(pid, "stat"), proc_file_bytes);
  if (!text) return std::nullopt;
  const auto close = text->rfind(')');
  if (close == std::string::npos || close + 2 >= text->size()) return std::nullopt;
  std::vector<std::string_view> fields;
  std::string_view rest = std::string_view{*text}.substr(close + 2);
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    fields.push_back(rest.substr(0, space));
    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
  }
  if (fields.size() < 20 || fields[0].empty()) return std::nullopt;
  ProcStat stat;
  stat.state = fields[0][0];
  const auto number = [](std::string_view field, auto& into) {
    return std::from_chars(field.data(), field.data() + field.size(), into).ec == std::errc{};
  };
  if (!number(fields[3], stat.session) || !number(fields[19], stat.start_ticks))
    return std::nullopt;
  return stat;
}

std::string boot_id() {
  const auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  return text && text->size() >= 8 ? text->substr(0, 8) : "00000000";
}

bool has_run_key(pid_t pid, const std::string& run_key) {
  const auto environment = read_file(proc_path(pid, "environ"), proc_file_bytes);
  if (!environment) return false;
  const std::string wanted = '\0' + ("AMDAHL_RUN_KEY=" + run_key) + '\0';
  return (std::string{'\0'} + *environment + '\0').find(wanted) != std::string::npos;
}

}  // namespace

std::string native_id(const ProcessIdentity& process) {
  return std::to_string(process.pid) + "-" + std::to_string(process.start_ticks) + "-" +
         process.boot_id;
}

std::optional<ProcessIdentity> identify(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return ProcessIdentity{pid, stat->start_ticks, boot_id()};
}

ProcessIdentity identify_self() {
  const auto self = identify(::getpid());
  return self ? *self : ProcessIdentity{::getpid(), 0, boot_id()};
}

nlohmann::json to_json(const ProcessIdentity& process) {
  return {{"pid", process.pid}, {"start_ticks", process.start_ticks}, {"boot_id", process.boot_id}};
}

core::Result<ProcessIdentity> process_identity_from_json(const nlohmann::json& value) {
  const auto has = [&](const char* key, auto test) {
    return value.is_object() && value.contains(key) && (value[key].*test)();
  };
  using Json = nlohmann::json;
  if (!has("pid", &Json::is_number_integer) || !has("start_ticks", &Json::is_number_integer) ||
      !has("boot_id", &Json::is_string)) {
    return core::invalid_input("no process identity: pid, start_ticks and boot_id are needed");
  }
  return ProcessIdentity{value["pid"].get<pid_t>(), value["start_ticks"].get<std::uint64_t>(),
                         value["boot_id"].get<std::string>()};
}

// By number: glibc 2.36 declares these functions without extern "C".
UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

bool signal_process(const ProcessIdentity& process, int signal) {
  const auto pidfd = open_pidfd(process.pid);
  if (!pidfd || identify(process.pid) != process) return false;
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

std::vector<ProcessIdentity> processes_of_run(const std::string& run_key, pid_t session) {
  std::vector<ProcessIdentity> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc{::opendir("/proc"), ::closedir};
  if (!proc) return found;
  while (const auto* entry = ::readdir(proc.get())) {
    const std::string_view name{entry->d_name};
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    const auto process = identify(pid);
    if (!process) continue;
    const auto stat = read_stat(pid);
    const bool in_session = session > 0 && stat && stat->session == session;
    if (in_session || has_run_key(pid, run_key)) found.push_back(*process);
  }
  return found;
}

}  // namespace amdahl::run_files
