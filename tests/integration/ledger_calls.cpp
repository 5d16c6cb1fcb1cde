#include "ledger_calls.hpp"

#include <fmt/format.h>

#include "ledger_calls_ask.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {

using nlohmann::json;

LedgerCalls::LedgerCalls(LedgerTwins& twins, unsigned seed) : twins_{twins}, dice_{seed} {
  lead();
  add_job();
}

ledger::Lease LedgerCalls::lease() {
  if (roll(40) != 0) return lease_;
  const ledger::Lease wrong[]{old_lease_,
                              {lease_.term, lease_.fence + 1},
                              {"00000000-0000-4000-8000-999999999999", lease_.fence},
                              {"nobody", lease_.fence}};
  return wrong[roll(4)];
}

core::JobId LedgerCalls::job_id() {
  const auto* job = rarely() ? nullptr : any(twins_.snapshot().jobs);
  return job == nullptr ? core::JobId{roll(6)} : job->id;
}
core::HypothesisId LedgerCalls::hypothesis_id() {
  const auto* row = roll(4) == 0 ? nullptr : any(twins_.snapshot().hypotheses);
  return row == nullptr ? core::HypothesisId{roll(20)} : row->id;
}
core::ExperimentId LedgerCalls::experiment_id() {
  const auto* row = roll(6) == 0 ? nullptr : any(twins_.snapshot().experiments);
  return row == nullptr ? core::ExperimentId{roll(12)} : row->id;
}
core::RunId LedgerCalls::run_id() {
  const auto* row = roll(6) == 0 ? nullptr : any(twins_.snapshot().live_runs);
  return row == nullptr ? core::RunId{roll(25)} : row->id;
}
core::PairId LedgerCalls::pair_id() {
  const auto* row = any(twins_.snapshot().experiments);
  const auto* pair = row == nullptr || roll(6) == 0 ? nullptr : any(row->pairs);
  return pair == nullptr ? core::PairId{roll(20)} : pair->id;
}

std::string LedgerCalls::text(std::size_t limit) {
  if (roll(8) == 0) {
    std::string out;
    while (out.size() < 3 * limit) out += "ä long reason, cut by characters ";
    return out;
  }
  const char* words[]{"", "dice", "other", "\"quoted\"\nline"};
  return words[roll(4)];
}

core::RunKey LedgerCalls::run_key(int attempt) {
  if (roll(10) == 0 && !used_keys_.empty()) return *any(used_keys_);
  if (roll(25) == 0) return {"no key"};
  std::array<std::uint8_t, 16> uuid{};
  uuid[0] = static_cast<std::uint8_t>(++keys_);
  return used_keys_.emplace_back(core::make_run_key(uuid, attempt));
}

void LedgerCalls::lead() {
  const auto head = twins_.snapshot().head;
  const int kind = head.released ? 9 : roll(10);
  if (kind == 0) {
    const auto given = lease();
    return ask("release", [&](auto& l) { l.release(given); });
  }
  if (kind <= 2) {
    const auto given = lease();
    return ask("renew", [&](auto& l) { l.renew(given); });
  }
  if (kind == 3) seen_ = head;  // a candidate looks now and asks later
  auto seen = kind == 4 ? seen_ : head;
  if (kind == 5) seen.renew_seq += 1;
  auto term = fmt::format("00000000-0000-4000-8000-{:012}", ++terms_);
  if (kind == 6) term = head.term;
  if (kind == 7 && rarely()) term = "no-uuid";
  const auto holder = text(200);
  const auto taken =
      twins_.ask(fmt::format("acquire {} seen {}", term, seen.renew_seq), [&](auto& l) -> json {
        const auto got = l.acquire(seen, term, holder);
        return got ? json{got->term, got->fence} : json(nullptr);
      });
  if (taken.is_null()) return;
  old_lease_ = std::exchange(lease_, {taken[0], taken[1]});
}

void LedgerCalls::pause_or_note() {
  const auto given = lease();
  const auto reason = text(500);
  if (roll(2) == 0) {
    const bool paused = roll(2) == 0;
    return ask(fmt::format("pause {}", paused),
               [&](auto& l) { l.set_paused(given, paused, reason); });
  }
  const char* kinds[]{"rewind_noticed", "orphan_swept", "", "Not a word", "x"};
  const auto* kind = kinds[roll(5)];
  const auto ref = roll(4) == 0 ? text(200) : "loop-1";
  ask(fmt::format("note {}", kind), [&](auto& l) { l.note(given, kind, ref, {{"n", 1}}); });
}

void LedgerCalls::add_job() {
  const char* names[]{"eval", "eval", "train", "serve", ""};
  ledger::NewJob job;
  job.spec = example_job(twins_.snapshot().jobs.empty() ? "eval" : names[roll(rarely() ? 5 : 4)]);
  if (roll(3) == 0) job.spec.dataset = fmt::format("digits-{}", roll(3));
  job.champion = core::baseline_configuration(job.spec);
  if (roll(3) == 0) job.note = "another command";
  const auto given = lease();
  ask(fmt::format("add_job '{}' {} '{}'", job.spec.name, job.spec.dataset, job.note), [&](auto& l) {
    l.add_jobs(given, std::span{&job, 1});
  });
}

std::vector<core::Change> LedgerCalls::changes() {
  switch (roll(8)) {
    case 0:
      return {gpus(1 + roll(2))};
    case 1:
      return {gpus(1), workers(2)};
    default:
      return {workers(2 + roll(4))};
  }
}

void LedgerCalls::propose() {
  std::vector<ledger::NewHypothesis> ideas(static_cast<std::size_t>(roll(3)));
  std::string what = "propose";
  for (auto& idea : ideas) {
    idea.job = job_id();
    idea.source = static_cast<core::HypothesisSource>(roll(4));
    idea.phase = roll(2) == 0 ? "input" : "";
    if (roll(2) == 0) idea.ceiling = 1.5 + roll(3);
    idea.changes = changes();
    idea.rationale = text(100);
    idea.replicate = roll(6) == 0 ? roll(3) - 1 : 0;
    idea.needs_approval = roll(5) == 0;
    if (roll(2) == 0) idea.command = fmt::format("key-{}", &idea - ideas.data());
    what += fmt::format(" job {} {} r{} for '{}'", idea.job.value,
                        core::to_json(idea.changes).dump(), idea.replicate, idea.command);
  }
  std::vector<ledger::ProposedFor> proposed;
  if (roll(3) == 0) proposed.push_back({job_id(), fmt::format("sha {}", roll(3))});
  const auto given = lease();
  twins_.ask(what, [&](auto& l) { return ids_json(l.add_hypotheses(given, ideas, proposed)); });
}

void LedgerCalls::review() {
  const auto given = lease();
  std::vector<core::HypothesisId> ids(static_cast<std::size_t>(roll(4)));
  std::vector<ledger::RejectHypothesis> rejections;
  for (auto& id : ids) rejections.push_back({id = hypothesis_id(), text(2000)});
  const auto what = ids_json(ids).dump();
  if (roll(3) != 0)
    return ask("approve " + what, [&](auto& l) { l.approve_hypotheses(given, ids); });
  ask("reject " + what, [&](auto& l) { l.reject_hypotheses(given, rejections); });
}

void LedgerCalls::commands() {
  const auto given = lease();
  const auto key = rarely() ? std::string{} : fmt::format("key-{}", roll(3));
  switch (roll(4)) {
    case 0:
    case 1: {
      const char* verbs[]{"pause", "propose", "add_job", "NO"};
      const auto* verb = verbs[roll(rarely() ? 4 : 3)];
      return ask(fmt::format("put_command {} {}", key, verb), [&](auto& l) {
        l.put_command(key, verb, {{"job", "eval"}});
      });
    }
    case 2: {
      std::vector<ledger::CommandDone> done;
      for (int i = roll(3); i < 3; i += 2)
        done.push_back(
            {fmt::format("key-{}", 2 - i), roll(4) == 0 ? json(nullptr) : json{{"ok", true}}});
      return ask(fmt::format("finish_commands {}", done.size()),
                 [&](auto& l) { l.finish_commands(given, done); });
    }
    default:
      twins_.ask("command_answer " + key, [&](auto& l) -> json {
        const auto answer = l.command_answer(key);
        return answer ? *answer : json("none");
      });
  }
}

void LedgerCalls::ask_known() {
  const auto* idea = any(twins_.snapshot().jobs);
  json question{{"job", idea == nullptr || rarely() ? "nobody" : idea->spec.name},
                {"changes", core::to_json(changes())}};
  if (roll(6) != 0) question["code_digest"] = std::string(64, roll(4) == 0 ? 'd' : 'c');
  if (const auto* known = any(fingerprints_)) question["fingerprint"] = *known;
  twins_.ask("known " + question.dump(), [&](auto& l) {
    auto answers = json::array();
    const json questions{{"questions", {question, question}},
                         {"witnesses", {{{"head_seq", 1'000'000}, {"head_hash", "none"}}}}};
    const auto known = l.read("known", questions);
    answers.push_back(known.at("unknown"));
    for (const auto& answer : known.at("answers")) {
      for (const char* part : {"experiment", "near"}) {
        const auto& row = answer.at(part);
        answers.push_back(row.is_null()
                              ? json(nullptr)
                              : json{row.at("experiment"), row.at("name"), row.at("outcome")});
      }
    }
    return answers;
  });
}

void LedgerCalls::step() {
  if (twins_.snapshot().head.released && roll(3) != 0) return lead();
  // What there is none of is made first, mostly.
  const auto& snapshot = twins_.snapshot();
  if (roll(3) != 0) {
    if (snapshot.hypotheses.size() < 2) return propose();
    if (snapshot.experiments.empty()) return register_experiment();
    if (snapshot.live_runs.empty()) return open();
  }
  struct Choice {
    int weight;
    void (LedgerCalls::*call)();
  };
  static constexpr Choice choices[]{{3, &LedgerCalls::lead},
                                    {2, &LedgerCalls::pause_or_note},
                                    {2, &LedgerCalls::add_job},
                                    {8, &LedgerCalls::propose},
                                    {3, &LedgerCalls::review},
                                    {12, &LedgerCalls::register_experiment},
                                    {12, &LedgerCalls::open},
                                    {5, &LedgerCalls::retry},
                                    {10, &LedgerCalls::arm},
                                    {12, &LedgerCalls::answer_submit},
                                    {10, &LedgerCalls::move_run},
                                    {14, &LedgerCalls::end_run},
                                    {10, &LedgerCalls::advance},
                                    {6, &LedgerCalls::decide},
                                    {5, &LedgerCalls::win},
                                    {4, &LedgerCalls::abort},
                                    {2, &LedgerCalls::cancel},
                                    {3, &LedgerCalls::plan_production},
                                    {5, &LedgerCalls::record_production},
                                    {5, &LedgerCalls::commands},
                                    {3, &LedgerCalls::ask_known}};
  int sum = 0;
  for (const auto& choice : choices) sum += choice.weight;
  int at = roll(sum);
  for (const auto& choice : choices) {
    at -= choice.weight;
    if (at < 0) return (this->*choice.call)();
  }
}

}  // namespace amdahl::test
