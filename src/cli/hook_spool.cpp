#include "hook_spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "amdahl/core/limits.hpp"
#include "amdahl/http/hook_signature.hpp"
#include "amdahl/run_files/durable.hpp"

namespace amdahl::cli {

namespace fs = std::filesystem;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto pause_first = 500ms, pause_last = 2'000ms;
constexpr std::size_t words_max = 300;
constexpr std::size_t refused_files_max = 100;
constexpr std::string_view ending = ".json";

// One sender at a time; free again when its process ends, however it ends.
class SenderLock {
 public:
  explicit SenderLock(const fs::path& folder)
      : file_{::open((folder / ".sender").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                     0600)},
        held_{file_ && ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0} {}
  bool held() const { return held_; }

 private:
  run_files::UniqueFd file_;
  bool held_;
};

// Ids begin with the time, so that names are in the order of the deliveries.
std::vector<fs::path> waiting(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  fs::directory_iterator entries{folder, error};
  for (const fs::directory_iterator last; !error && entries != last; entries.increment(error)) {
    if (entries->path().extension() == ending) all.push_back(entries->path());
  }
  std::sort(all.begin(), all.end());
  return all;
}

// The detail and hint of a problem; of anything else its beginning.
std::string words_of(const std::string& body) {
  const auto problem = nlohmann::json::parse(body, nullptr, false);
  if (!problem.is_object() || !problem.contains("detail") || !problem["detail"].is_string())
    return body.substr(0, words_max);
  const auto hint = problem.value("hint", nlohmann::json{});
  return problem["detail"].get<std::string>() +
         (hint.is_string() && hint != "" ? "; " + hint.get<std::string>() : "");
}

}  // namespace

std::string new_delivery_id() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::array<unsigned char, 10> dice{};
  (void)!::getrandom(dice.data(), dice.size(), 0);
  std::string id = fmt::format("hook_{:012x}{:08x}", now.tv_sec, now.tv_nsec);
  for (const auto byte : dice) id += fmt::format("{:02x}", byte);
  return id;
}

Delivered deliver(const HookTarget& target, const std::string& id, const std::string& body,
                  core::Clock& clock) {
  const auto timestamp = std::to_string(
      std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count());
  const http_client::ClientRequest request{
      "POST",
      "/hooks/slurm",
      {{"webhook-id", id},
       {"webhook-timestamp", timestamp},
       {"webhook-signature", http::hooks::sign({id, timestamp, body}, target.secret)}},
      body};
  const auto answer = http_client::Client{target.client}.ask(request);
  if (!answer) return {Delivered::Kind::away, 0, answer.error().message};
  Delivered delivered{Delivered::Kind::taken, answer->status, words_of(answer->body)};
  switch (answer->status) {
    case 200:
    case 201:
    case 202:
      break;
    case 400:
    case 413:
    case 415:
    case 422:
      delivered.kind = Delivered::Kind::refused;
      break;
    case 408:
    case 429:
      delivered.kind = Delivered::Kind::away;
      break;
    default:
      delivered.kind = answer->status >= 500 ? Delivered::Kind::away : Delivered::Kind::stopped;
  }
  return delivered;
}

Result<void> HookSpool::put(const std::string& body) {
  std::error_code error;
  if (!fs::is_directory(folder_, error)) {
    fs::create_directories(folder_, error);
    if (error) return run_files::system_error("create", folder_, error.value());
    fs::permissions(folder_, fs::perms::owner_all, error);
  }
  return run_files::write_file_volatile(folder_ / (new_delivery_id() + std::string{ending}), body);
}

void HookSpool::set_aside(const fs::path& file) {
  std::error_code ignored;
  const auto aside = folder_ / "refused";
  fs::create_directories(aside, ignored);
  if (waiting(aside).size() < refused_files_max) fs::rename(file, aside / file.filename(), ignored);
  if (fs::exists(file, ignored)) fs::remove(file, ignored);
}

int HookSpool::bound() {
  const auto files = waiting(folder_);
  std::error_code ignored;
  int dropped = 0;
  for (; files.size() - static_cast<std::size_t>(dropped) > spool_files_max; ++dropped)
    fs::remove(files[static_cast<std::size_t>(dropped)], ignored);
  return dropped;
}

HookSpool::Turn HookSpool::send_once(const HookTarget& target, core::Clock& clock,
                                     SpoolReport& report) {
  report.dropped += bound();
  bool stuck = false;
  // What stays although it is done with would be sent again for ever.
  const auto look_at = [&](const fs::path& file) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(file, error))) return;
    stuck = true;
    report.problem = "cannot remove " + file.string();
  };
  for (const auto& file : waiting(folder_)) {
    const auto body = run_files::read_file(file, core::limits::hook_body_bytes);
    auto delivered = Delivered{Delivered::Kind::refused, 0, "it cannot be read"};
    if (body) delivered = deliver(target, file.stem(), *body, clock);
    if (delivered.kind == Delivered::Kind::taken) {
      std::error_code ignored;
      fs::remove(file, ignored);
      ++report.sent;
      look_at(file);
      continue;
    }
    report.problem = delivered.status == 0
                         ? delivered.words
                         : fmt::format("answered {}: {}", delivered.status, delivered.words);
    if (delivered.kind == Delivered::Kind::away) return Turn::away;
    if (delivered.kind == Delivered::Kind::stopped) return Turn::stopped;
    ++report.refused;
    set_aside(file);
    look_at(file);
  }
  return stuck ? Turn::stopped : Turn::all_sent;
}

// Again and again while the service is away, for as long as `until`.
HookSpool::Turn HookSpool::send_all(const HookTarget& target, core::BootTime until,
                                    core::Clock& clock, SpoolReport& report) {
  auto pause = std::chrono::milliseconds{pause_first};
  for (;;) {
    const auto turn = send_once(target, clock, report);
    if (turn != Turn::away || clock.since_boot() + pause > until) return turn;
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(2 * pause, pause_last);
  }
}

SpoolReport HookSpool::send(const HookTarget& target, std::chrono::milliseconds patience,
                            core::Clock& clock) {
  SpoolReport report;
  const auto until = clock.since_boot() + patience;
  for (auto turn = Turn::all_sent; turn == Turn::all_sent;) {
    {
      // Held through the pauses too: were the service away, each end of a job would leave one more
      // process that tries.
      const SenderLock lock{folder_};
      if (!lock.held()) {
        if (patience == 0ms) report.problem = "another process sends already";
        break;
      }
      turn = send_all(target, until, clock, report);
    }
    // What was put while the lock was held belongs to whoever held it.
    if (waiting(folder_).empty()) break;
  }
  report.left = static_cast<int>(waiting(folder_).size());
  return report;
}

}  // namespace amdahl::cli
