#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/run_files/durable.hpp"
#include "hook_take.hpp"
#include "process.hpp"

// amdahl-hook: what slurmctld starts when a job ends. The same as `amdahl hook slurm`, which is
// asked for whatever is more than that; but small and static, since slurmctld waits for it to end.

namespace {

using namespace amdahl;
namespace fs = std::filesystem;

struct Word {
  std::string_view name;
  std::string value;
};

// `--name VALUE` and `--name=VALUE`; nothing where there is something else.
std::optional<std::vector<Word>> words_of(int argc, char** argv) {
  std::vector<Word> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view text = argv[i];
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      words.push_back({text.substr(0, equals), std::string{text.substr(equals + 1)}});
    } else if (i + 1 < argc) {
      words.push_back({text, argv[++i]});
    } else {
      return std::nullopt;
    }
  }
  return words;
}

std::optional<cli::HookWords> hook_words(int argc, char** argv) {
  const auto words = words_of(argc, argv);
  if (!words) return std::nullopt;
  std::error_code error;
  const auto here = fs::current_path(error);
  cli::HookWords hook;
  for (const auto& [name, value] : *words) {
    if (name == "--server") {
      hook.server = value;
    } else if (name == "--cluster") {
      hook.cluster = value;
    } else if (name == "--secret-file") {
      hook.secret_file = here / value;
    } else if (name == "--ca-file") {
      hook.ca_file = here / value;
    } else if (name == "--spool") {
      hook.spool = here / value;
    } else {
      return std::nullopt;
    }
  }
  return hook;
}

void say(const std::string& words) {
  run_files::write_all(STDERR_FILENO, "amdahl-hook: " + words + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  const auto variables = cli::process_variables();
  if (const auto words = hook_words(argc, argv)) {
    const auto clock = cli::make_system_clock();
    if (const auto wrong = cli::take_slurm_event(*words, variables, *clock); !wrong.empty())
      say(wrong);
    return 0;
  }
  std::error_code error;
  const auto whole = fs::read_symlink("/proc/self/exe", error).parent_path() / "amdahl";
  std::string hook = "hook", slurm = "slurm", name = whole.string();
  std::vector<char*> all{name.data(), hook.data(), slurm.data()};
  all.insert(all.end(), argv + 1, argv + argc + 1);  // with the null at its end
  ::execv(whole.c_str(), all.data());
  say("its command line is not known here, and " + whole.string() + " cannot be started");
  // Of a job's end: nothing is a reason for Slurm to do anything else.
  return variables.contains("SLURM_JOB_ID") || variables.contains("JOBID") ? 0 : 64;
}
