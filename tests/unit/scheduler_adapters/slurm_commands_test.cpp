#include "slurm_commands.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "support/scratch_folder.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

JobRequest some_request() {
  JobRequest request;
  request.name = "al-x-1";
  request.comment = "amdahl1 0 t 1 2 h";
  request.directory = "/shared/runs/live/al-x-1";
  request.log = "/shared/runs/live/al-x-1/shim.log";
  request.gpus_per_node = 2;
  request.minutes = 12;
  return request;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

FailureClass refused(int status, std::string_view output, std::string_view error) {
  const auto answer = read_sbatch(status, output, error);
  REQUIRE(std::holds_alternative<Failure>(answer));
  return std::get<Failure>(answer).kind;
}

TEST_CASE("a job is submitted held, never requeued, one of its name at a time", "[slurm]") {
  auto request = some_request();
  request.account = "nlp; reboot";
  const auto words = sbatch_words(request, "/shared/job.sh");
  for (const auto* word :
       {"--hold", "--no-requeue", "--dependency=singleton", "--parsable", "--job-name=al-x-1",
        "--gres=gpu:2", "--time=12", "--nodes=1", "--account=nlp; reboot"}) {
    INFO(word);
    CHECK(has(words, word));
  }
  CHECK(words.back() == "/shared/job.sh");
  CHECK(std::none_of(words.begin(), words.end(), [](const std::string& word) {
    return word.starts_with("--partition") || word.starts_with("--mem") ||
           word.starts_with("--nodelist");
  }));
  request.nodes = 2;
  request.pinned_nodes = {"n2", "n3"};
  const auto pinned = sbatch_words(request, "/shared/job.sh");
  CHECK(has(pinned, "--nodes=2"));
  CHECK(has(pinned, "--nodelist=n2,n3"));
}

TEST_CASE("the batch script starts the shim whatever its path holds", "[slurm]") {
  test::ScratchFolder scratch;
  const auto shim = scratch.path() / "it's $(false) `x` \"q\"";
  scratch.write(shim.filename(), "#!/bin/sh\nprintf '%s|%s' \"$1\" \"$2\" > \"$2\"\n");
  std::filesystem::permissions(shim, std::filesystem::perms::owner_all);
  const auto out = scratch.path() / "a'b $HOME";
  scratch.write("job.sh", job_script(shim, out));
  REQUIRE(std::system(("sh " + (scratch.path() / "job.sh").string()).c_str()) == 0);
  CHECK(scratch.read(out.filename()) == "job|" + out.string());
}

TEST_CASE("sbatch's end tells what may have happened", "[slurm]") {
  CHECK(std::get<std::string>(read_sbatch(0, "17\n", "")) == "17");
  CHECK(std::get<std::string>(read_sbatch(0, "17;alpha\n", "sbatch: warning: x")) == "17");
  CHECK(refused(0, "", "") == FailureClass::unknown_outcome);
  CHECK(refused(1, "",
                "sbatch: error: Batch job submission failed: Socket timed out on send/recv "
                "operation") == FailureClass::unknown_outcome);
  CHECK(refused(1, "",
                "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or "
                "received") == FailureClass::unknown_outcome);
  CHECK(refused(1, "",
                "sbatch: error: Batch job submission failed: Unable to contact slurm "
                "controller (connect failure)") == FailureClass::retryable);
  CHECK(refused(1, "",
                "sbatch: error: Batch job submission failed: Invalid partition name "
                "specified") == FailureClass::permanent);
  CHECK(refused(137, "", "") == FailureClass::unknown_outcome);
  CHECK(refused(1, "", "something new") == FailureClass::unknown_outcome);
}

TEST_CASE("the GPUs of a node are counted, whatever their type", "[slurm]") {
  CHECK(gpus_of_gres("gpu:8").count == 8);
  CHECK(gpus_of_gres("gpu:h100:4(S:0-1,2),shard:16").count == 4);
  CHECK(gpus_of_gres("gpu:h100:4(S:0-1)").type == "h100");
  CHECK(gpus_of_gres("gpu:a:1,gpu:b:2").count == 3);
  CHECK(gpus_of_gres("gpu").count == 1);
  CHECK(gpus_of_gres("(null)").count == 0);
  CHECK(gpus_of_gres("gpux:3,nic:2").count == 0);
}

TEST_CASE("nodes are read once each, and what is no node is left out", "[slurm]") {
  const auto nodes =
      read_sinfo("n1|16|64000|gpu:8\nn1|16|64000|gpu:8\nn2|8+|1000+|(null)\nbroken|1\n");
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].gpus == 8);
  CHECK(nodes[0].memory_mib == 64000);
  CHECK(nodes[1].cpus == 8);
  CHECK(nodes[1].gpus == 0);
}

TEST_CASE("a value of Slurm's configuration is found by its whole name", "[slurm]") {
  const std::string text = "XMinJobAge = 1\nMinJobAge               = 300 sec\nEmpty =\n";
  CHECK(config_value(text, "MinJobAge") == "300 sec");
  CHECK(config_value(text, "Empty") == "");
  CHECK_FALSE(config_value(text, "JobAge"));
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
