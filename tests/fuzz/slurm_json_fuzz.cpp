#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "slurm_completion.hpp"
#include "slurm_records.hpp"
#include "slurm_rest_texts.hpp"

// Whatever slurmrestd, squeue --json or sacct --json answers: no crash, and no end out of nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  using namespace amdahl::scheduler_adapters::slurm;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto records = read_json(text);
  if (records.has_value()) {
    for (const auto& job : records->jobs) {
      core::invariant(!job.id.empty() && job.id != "0", "a record has an id");
      const auto meaning = meaning_of(job);
      const bool ended = meaning.state == core::RunState::ended;
      core::invariant(ended == meaning.outcome.has_value(), "an end has an outcome");
      core::invariant(!ended || !job.states.empty(), "an end is said");
    }
  }
  for (const int status : {200, 401, 500}) {
    const auto submitted = read_rest_submit({status, text});
    if (const auto* id = std::get_if<std::string>(&submitted))
      core::invariant(!id->empty() && id->front() != '-' && *id != "0", "a job id is one");
    (void)refusal_of({status, text});
  }
  const auto told = read_completion(nlohmann::json::parse(text, nullptr, false));
  core::invariant(!told || (!told->id.empty() && !told->name.empty() && told->submit_s),
                  "a completion record names its job");
  const auto nodes = read_rest_nodes(text, "");
  if (nodes.has_value()) {
    for (const auto& node : *nodes) core::invariant(!node.name.empty(), "a node has a name");
  }
  return 0;
}
