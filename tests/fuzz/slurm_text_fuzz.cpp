#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "slurm_commands.hpp"
#include "slurm_records.hpp"
#include "slurm_rest_texts.hpp"
#include "slurm_run.hpp"

// Whatever Slurm's commands print: no crash, and no end out of nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  using namespace amdahl::scheduler_adapters::slurm;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const auto& records : {read_squeue(text), read_sacct(text)}) {
    for (const auto& job : records.jobs) {
      const auto meaning = meaning_of(job);
      core::invariant((meaning.state == core::RunState::ended) == meaning.outcome.has_value(),
                      "an end has an outcome");
      (void)ref_of(job);
    }
  }
  for (const auto& node : read_sinfo(text))
    core::invariant(!node.name.empty(), "a node has a name");
  const auto submitted = read_sbatch(size % 2 == 0 ? 0 : 1, text, text);
  if (const auto* id = std::get_if<std::string>(&submitted))
    core::invariant(id->find_first_not_of("0123456789") == std::string::npos, "a job id is one");
  if (const auto hosts = expand_hosts(text))
    core::invariant(hosts->size() <= 10'000, "a list of hosts is bounded");
  if (const auto carried = read_comment(text))
    core::invariant(read_comment(comment_of(*carried)).has_value(), "a comment is read again");
  core::invariant(gpus_of_tres(text).value_or(0) >= 0, "no GPUs below none");
  core::invariant(gpus_of_gres(text).count >= 0, "no GPUs below none");
  (void)config_value(text, "MinJobAge");
  (void)token_expiry(text);
  (void)token_of(text);
  return 0;
}
