#include "recount.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "amdahl/core/sha256.hpp"

namespace amdahl::ledger {
namespace {

constexpr std::int64_t canary = 1, won = 0, uphold = 0, refute = 1, succeeded_pair = 1,
                       void_pair = 2;

std::int64_t whole(const RowText& row, std::string_view name) {
  return row.integer(name).value_or(0);
}

std::string hash_of(const std::string& salt) { return core::hex(core::sha256(salt)); }

bool lists(std::string_view array, std::int64_t id) {
  const auto wanted = std::to_string(id);
  for (std::size_t at = 0; (at = array.find(wanted, at)) != std::string_view::npos;
       at += wanted.size()) {
    const auto digit = [&](std::size_t place) {
      return place < array.size() && array[place] >= '0' && array[place] <= '9';
    };
    if (!(at > 0 && digit(at - 1)) && !digit(at + wanted.size())) return true;
  }
  return false;
}

}  // namespace

Recount::Experiment* Recount::experiment_of(const RowText& row) {
  const auto id = row.integer("experiment_id");
  if (!id) return nullptr;
  const auto found = experiments_.find(*id);
  return found == experiments_.end() ? nullptr : &found->second;
}

std::string Recount::add_experiment(const RowText& row) {
  Experiment made;
  made.kind = whole(row, "kind");
  made.checks = whole(row, "checks");
  made.registered = whole(row, "pairs_registered");
  made.complete = whole(row, "pairs_complete");
  made.void_ = whole(row, "pairs_void");
  made.spent = whole(row, "spent_gpu_us");
  made.salt_hash = row.text("salt_hash").value_or("");
  if (made.salt_hash.starts_with("\\x")) made.salt_hash.erase(0, 2);
  last_t_ = std::max(last_t_, whole(row, "t"));
  experiments_[whole(row, "experiment_id")] = std::move(made);
  return {};
}

std::string Recount::add_salt(const RowText& row) {
  auto* experiment = experiment_of(row);
  if (experiment == nullptr) return "a salt of no experiment";
  experiment->salt = row.text("salt");
  if (!experiment->salt || hash_of(*experiment->salt) != experiment->salt_hash) {
    return "the salt is not the one that the experiment was registered with";
  }
  return {};
}

std::string Recount::add_verdict(const RowText& row) {
  auto* experiment = experiment_of(row);
  if (experiment == nullptr) return "a verdict of no experiment";
  experiment->decided = true;
  experiment->lower = row.number("lower");
  experiment->salt = row.text("salt");
  if (!experiment->salt || hash_of(*experiment->salt) != experiment->salt_hash) {
    return "the salt is not the one that the experiment was registered with";
  }
  if (whole(row, "upholds") != experiment->upholds ||
      whole(row, "refutes") != experiment->refutes) {
    return fmt::format("the tally is false: {} to {} claimed, {} to {} counted",
                       whole(row, "upholds"), whole(row, "refutes"), experiment->upholds,
                       experiment->refutes);
  }
  if (whole(row, "outcome") != won) return {};
  if (experiment->kind == canary || experiment->upholds * 2 <= experiment->checks ||
      row.number("e_value").value_or(0) < row.number("e_needed").value_or(0)) {
    return fmt::format("it is no win: {} of {} checks uphold it", experiment->upholds,
                       experiment->checks);
  }
  if (experiment->kind == 0) ++wins_;
  return {};
}

std::string Recount::add_pair(const RowText& row) {
  auto* experiment = experiment_of(row);
  if (experiment == nullptr) return "a pair of no experiment";
  ++experiment->pairs_seen;
  experiment->complete_seen += whole(row, "state") == succeeded_pair ? 1 : 0;
  experiment->void_seen += whole(row, "state") == void_pair ? 1 : 0;
  if (!experiment->salt) return {};
  const auto coin = core::sha256(fmt::format("exp-{}:{}:{}", whole(row, "experiment_id"),
                                             *experiment->salt, whole(row, "index")));
  if ((coin[0] & 1) != whole(row, "coin")) return "the coin is not that of the salt";
  return {};
}

std::string Recount::add_bank(const RowText& row) {
  const auto gpu_us = whole(row, "gpu_us");
  const auto experiment_id = whole(row, "experiment_id");
  if (row.text("debit") != "bank") {
    clawed_back_ += gpu_us;
    const auto credit = credits_.find(whole(row, "reverses"));
    if (credit == credits_.end()) return "it reverses no credit";
    if (credit->second.gpu_us != gpu_us || credit->second.experiment != experiment_id) {
      return "it reverses another amount than was credited";
    }
    return {};
  }
  banked_ += gpu_us;
  credits_[whole(row, "entry_id")] = {gpu_us, experiment_id};
  const auto run = production_.find(whole(row, "production_id"));
  const auto* experiment = experiment_of(row);
  if (run == production_.end() || experiment == nullptr || !experiment->decided) {
    return "a credit without a production run or a verdict";
  }
  if (!lists(run->second.wins, experiment_id) || run->second.state != "succeeded") {
    return "a credit for a run that did not succeed under this win";
  }
  const double proved = std::floor(static_cast<double>(run->second.gpu_us) *
                                   std::expm1(experiment->lower.value_or(0)));
  // The database's exp may round the last bit otherwise.
  if (std::abs(static_cast<double>(gpu_us) - proved) > 1 + proved * 1e-12) {
    return fmt::format("{} GPU-us are credited, {:.0f} were proved", gpu_us, proved);
  }
  return {};
}

std::string Recount::add(std::string_view table, const RowText& row) {
  if (table == "experiment") return add_experiment(row);
  if (table == "experiment_salt") return add_salt(row);
  if (table == "verdict") return add_verdict(row);
  if (table == "pair") return add_pair(row);
  if (table == "bank") return add_bank(row);
  if (table == "check_") {
    auto* experiment = experiment_of(row);
    if (experiment == nullptr) return "a check of no experiment";
    if (const auto vote = row.integer("vote")) {
      experiment->upholds += *vote == uphold ? 1 : 0;
      experiment->refutes += *vote == refute ? 1 : 0;
    }
  } else if (table == "worker_run") {
    if (auto* experiment = experiment_of(row)) {
      experiment->spent_seen += whole(row, "gpu_us_charged");
      spent_ += whole(row, "gpu_us_charged");
    }
  } else if (table == "production_run") {
    production_[whole(row, "production_id")] = {whole(row, "gpu_us"), std::string{row.raw("wins")},
                                                row.text("state").value_or("")};
  } else if (table == "spend") {
    spend_ += whole(row, "gpu_us");
  } else if (table == "loop_total") {
    spent_said_ = whole(row, "spent_gpu_us");
    banked_said_ = whole(row, "banked_gpu_us");
    clawed_back_said_ = whole(row, "clawed_back_gpu_us");
  } else if (table == "fdr_stream") {
    wins_said_ = whole(row, "wins");
    next_t_said_ = whole(row, "next_t");
  }
  return {};
}

std::optional<Recount::Fault> Recount::finish() const {
  std::optional<std::int64_t> wrong;
  for (const auto& [id, e] : experiments_) {
    if ((e.registered != e.pairs_seen || e.complete != e.complete_seen || e.void_ != e.void_seen ||
         e.spent != e.spent_seen) &&
        (!wrong || id < *wrong)) {
      wrong = id;
    }
  }
  if (wrong) {
    return Fault{"experiment", std::to_string(*wrong),
                 "the counts are not those of its pairs and runs"};
  }
  if (wins_ != wins_said_ || last_t_ + 1 != next_t_said_) {
    return Fault{"fdr_stream", "1", "wins and place are not those of the verdicts and experiments"};
  }
  if (spent_ != spent_said_ || banked_ != banked_said_ || clawed_back_ != clawed_back_said_ ||
      spend_ != spent_said_) {
    return Fault{"loop_total", "1", "the sums are not those of the runs and the bank"};
  }
  return {};
}

}  // namespace amdahl::ledger
