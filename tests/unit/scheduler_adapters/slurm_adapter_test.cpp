#include "slurm_adapter.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/real_clock.hpp"
#include "support/scratch_folder.hpp"

// What a real Slurm does too rarely, or too slowly, to be waited for.
namespace amdahl::scheduler_adapters {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::RunState;
using slurm::Job;
using slurm::Records;

struct FakeSlurm {
  std::vector<Job> jobs, past;
  bool down = false, history_down = false, answers = true;
  std::vector<std::string> cancelled, released;
  int listings = 0, histories = 0;
};

class FakeTransport final : public slurm::Transport {
 public:
  explicit FakeTransport(FakeSlurm& slurm) : slurm_{slurm} {}

  std::variant<std::string, Failure> submit_held(const slurm::JobRequest& request,
                                                 std::chrono::milliseconds) override {
    Job job;
    job.id = std::to_string(slurm_.jobs.size() + 1);
    job.name = request.name;
    job.comment = request.comment;
    job.states = {"PENDING"};
    job.reason = "JobHeldUser";
    job.submit_s = 1'000;
    slurm_.jobs.push_back(job);
    if (!slurm_.answers) return Failure{FailureClass::unknown_outcome, "no answer"};
    return job.id;
  }
  Result<Records> live() override {
    ++slurm_.listings;
    if (slurm_.down) return Error{ErrorCode::unreachable, "down", ""};
    return Records{slurm_.jobs, 0, {}};
  }
  Result<Records> live_job(const std::string& id) override {
    if (slurm_.down) return Error{ErrorCode::unreachable, "down", ""};
    Records records;
    for (const auto& job : slurm_.jobs)
      if (job.id == id) records.jobs.push_back(job);
    return records;
  }
  Result<Records> history(std::span<const std::string>, std::chrono::seconds) override {
    ++slurm_.histories;
    if (slurm_.history_down) return Error{ErrorCode::unreachable, "no accounting", ""};
    return Records{slurm_.past, 0, {}};
  }
  Result<SlurmAccounting::Counts> accounting(const AccountingSpan&,
                                             const AccountingListener&) override {
    return SlurmAccounting::Counts{};
  }
  Result<void> release(const std::string& id) override {
    slurm_.released.push_back(id);
    return {};
  }
  Result<void> cancel(const std::string& id) override {
    slurm_.cancelled.push_back(id);
    return {};
  }
  Result<std::vector<slurm::Node>> nodes(const std::string&) override {
    return std::vector<slurm::Node>{{"n1", 16, 64'000, 8, "h100"}};
  }
  std::vector<Finding> examine() override { return {}; }

 private:
  FakeSlurm& slurm_;
};

struct Stand {
  test::ScratchFolder folder;
  test::RealClock clock;
  FakeSlurm slurm;
  SlurmOptions options = [this] {
    SlurmOptions made;
    made.cluster = "lab";
    made.run_dir = folder.path() / "runs";
    made.shim = "/usr/bin/amdahl-run";
    made.quiet_period = std::chrono::seconds{0};
    return made;
  }();
  SlurmAdapter adapter{options, clock, std::make_unique<FakeTransport>(slurm)};
  core::RunSpec spec = [] {
    core::RunSpec made;
    made.key = core::make_run_key({}, 1);
    made.allocation = {1, 2, 4, 1 << 20};
    core::LegSpec leg;
    leg.command = {"true"};
    leg.gpus = 2;
    made.legs = {leg};
    return made;
  }();

  Submitted submit() { return adapter.submit(spec, std::chrono::seconds{10}); }
  FindResult find() { return adapter.find(std::span{&spec.key, 1}).front(); }
  void claim(const std::string& job) {
    folder.write("runs/live/" + spec.key.text + "/claim", R"({"job_id":")" + job + "\"}");
  }
};

TEST_CASE("a job that starts between the listing and the look at its claim is left alone",
          "[slurm]") {
  Stand stand;
  REQUIRE(stand.submit().kind == Submitted::Kind::accepted);
  stand.slurm.jobs[0].reason = "Priority";
  stand.claim("1");
  CHECK(stand.adapter.list().complete);
  CHECK(stand.slurm.cancelled.empty());
  stand.slurm.jobs[0].states = {"RUNNING"};
  CHECK(stand.adapter.list().runs.front().state == RunState::running);
  CHECK(stand.slurm.cancelled.empty());
  // A controller that came back with an older state would start it once more.
  stand.slurm.jobs[0].states = {"PENDING"};
  stand.slurm.jobs[0].reason = "JobHeldUser";
  CHECK_FALSE(stand.adapter.list().runs.front().held_by_us);
  CHECK(stand.slurm.cancelled == std::vector<std::string>{"1"});
}

TEST_CASE("what a webhook told ends a run that is its own, and only by an end", "[slurm]") {
  Stand stand;
  REQUIRE(stand.submit().kind == Submitted::Kind::accepted);
  CHECK_FALSE(stand.find().forgotten);
  stand.slurm.jobs.clear();
  CHECK(stand.find().forgotten);
  nlohmann::json told{{"job_id", "1"},
                      {"job_name", stand.spec.key.text},
                      {"state", "PREEMPTED"},
                      {"submit", "1970-01-01T00:16:40Z"},
                      {"end", "1970-01-01T00:20:00Z"}};
  const auto seen = stand.adapter.told_end(stand.spec.key, told);
  REQUIRE(seen);
  CHECK(seen->outcome == core::RunOutcome::preempted);
  CHECK(seen->ref == NativeRef{"1", 1'000'000'000});
  for (const auto* state : {"RUNNING", "COMPLETING", "A WORD OF NOBODY"}) {
    told["state"] = state;
    CHECK_FALSE(stand.adapter.told_end(stand.spec.key, told));
  }
  told["state"] = "PREEMPTED";
  told["job_name"] = core::make_run_key({}, 2).text;
  CHECK_FALSE(stand.adapter.told_end(stand.spec.key, told));
  stand.slurm.down = true;
  CHECK_FALSE(stand.find().forgotten);
}

TEST_CASE("a submit without an answer is found by its name and not sent again", "[slurm]") {
  Stand stand;
  stand.slurm.answers = false;
  CHECK(stand.submit().failure.kind == FailureClass::unknown_outcome);
  CHECK(stand.find().runs.size() == 1);
  const auto again = stand.submit();
  CHECK(again.kind == Submitted::Kind::already_exists);
  CHECK(again.ref == NativeRef{"1", 1'000'000'000});
  CHECK(stand.slurm.jobs.size() == 1);
}

TEST_CASE("absence is sure when controller and accounting answered and nothing has the claim",
          "[slurm]") {
  Stand stand;
  CHECK(stand.find().found == Found::not_found_authoritative);
  stand.slurm.history_down = true;
  CHECK(stand.find().found == Found::not_found_inconclusive);
  stand.slurm.history_down = false;
  stand.slurm.down = true;
  CHECK(stand.find().found == Found::not_found_inconclusive);
  CHECK_FALSE(stand.adapter.list().complete);
}

TEST_CASE("what accounting believes to go on and the controller does not know is gone", "[slurm]") {
  Stand stand;
  REQUIRE(stand.submit().kind == Submitted::Kind::accepted);
  stand.slurm.past = stand.slurm.jobs;
  stand.slurm.jobs.clear();
  CHECK(stand.find().found == Found::not_found_authoritative);
  stand.slurm.past[0].states = {"NODE_FAIL"};
  const auto found = stand.find();
  CHECK(found.found == Found::found);
  CHECK(found.runs.front().outcome == core::RunOutcome::node_failed);
}

TEST_CASE("an id that was given to another job is not released or cancelled", "[slurm]") {
  Stand stand;
  const auto submitted = stand.submit();
  stand.slurm.jobs[0].name = "somebody-elses";
  CHECK_FALSE(stand.adapter.release(stand.spec.key, submitted.ref).has_value());
  CHECK(stand.adapter.cancel(stand.spec.key, submitted.ref, CancelMode::stop) ==
        Cancelled::not_visible);
  CHECK(stand.slurm.released.empty());
  CHECK(stand.slurm.cancelled.empty());
}

TEST_CASE("a cycle asks for one listing, and accounting only for what it does not show",
          "[slurm]") {
  Stand stand;
  REQUIRE(stand.submit().kind == Submitted::Kind::accepted);
  stand.slurm.listings = stand.slurm.histories = 0;
  stand.adapter.list();
  CHECK(stand.slurm.listings == 1);
  CHECK(stand.slurm.histories == 0);
  auto other = stand.spec.key;
  other.text.back() = '2';
  CHECK(stand.adapter.find(std::span{&other, 1}).front().found == Found::not_found_authoritative);
  CHECK(stand.slurm.listings == 1);
  CHECK(stand.slurm.histories == 1);
}

TEST_CASE("a stopped run is asked first and cancelled when it does not hear", "[slurm]") {
  Stand stand;
  const auto submitted = stand.submit();
  stand.slurm.jobs[0].states = {"RUNNING"};
  stand.slurm.jobs[0].reason = "None";
  stand.claim("1");
  const auto stop = [&] {
    return stand.adapter.cancel(stand.spec.key, submitted.ref, CancelMode::stop);
  };
  CHECK(stop() == Cancelled::requested);
  CHECK(stop() == Cancelled::already_requested);
  CHECK(stand.slurm.cancelled.empty());
  const auto asked = stand.folder.path() / "runs/live" / stand.spec.key.text / "cancel";
  CHECK(stand.folder.read(asked) == "stop");
  std::filesystem::last_write_time(
      asked, std::filesystem::file_time_type::clock::now() - std::chrono::minutes{5});
  CHECK(stop() == Cancelled::already_requested);
  CHECK(stand.slurm.cancelled == std::vector<std::string>{"1"});
}

TEST_CASE("a directory that no job ever had is left over, and taken away when asked", "[slurm]") {
  Stand stand;
  stand.slurm.down = true;
  stand.folder.write("runs/live/" + stand.spec.key.text + "/spec.json", "{}");
  stand.slurm.down = false;
  CHECK(stand.adapter.list().leftovers == std::vector{stand.spec.key});
  stand.adapter.acknowledge(stand.spec.key);
  CHECK(stand.adapter.list().leftovers.empty());
  CHECK(stand.find().found == Found::not_found_authoritative);
}

}  // namespace
}  // namespace amdahl::scheduler_adapters
