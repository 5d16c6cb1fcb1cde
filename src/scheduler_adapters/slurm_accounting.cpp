#include "amdahl/scheduler_adapters/slurm_accounting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "slurm_job.hpp"
#include "slurm_records.hpp"
#include "slurm_time.hpp"

namespace amdahl::scheduler_adapters {
namespace {

using core::Attempt;
using core::Result;
using core::RunOutcome;
using slurm::seconds_of;

constexpr std::size_t line_bytes_max = 64 << 10;  // a TRES list is the longest cell

// A scope of its own: `end` and `start` are names of others too.
struct Column {
  enum Name : std::size_t {
    id_raw,
    id,
    name,
    user,
    account,
    partition,
    cluster,
    state,
    submit,
    eligible,
    start,
    end,
    tres,
    count
  };
};
constexpr std::array<std::string_view, Column::count> titles{
    "JobIDRaw", "JobID",  "JobName",  "User",  "Account", "Partition", "Cluster",
    "State",    "Submit", "Eligible", "Start", "End",     "AllocTRES"};
constexpr Column::Name needed[] = {Column::state, Column::start, Column::end, Column::tres};

constexpr std::size_t absent = static_cast<std::size_t>(-1);

std::string lower(std::string_view text) {
  std::string all{text};
  std::transform(all.begin(), all.end(), all.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return all;
}

// A requeued attempt is printed with the state that it was sent back with.
std::optional<RunOutcome> outcome_of(const slurm::Job& job, bool has_end) {
  const auto meaning = slurm::meaning_of(job);
  if (meaning.outcome) return meaning.outcome;
  const bool sent_back = meaning.tainted && has_end &&
                         std::any_of(job.states.begin(), job.states.end(), [](const auto& word) {
                           return word.starts_with("REQUEUE") || word == "SPECIAL_EXIT";
                         });
  return sent_back ? std::optional{RunOutcome::lost} : std::nullopt;
}

}  // namespace

class SlurmAccounting::State {
 public:
  State(Sink sink, Unreadable unreadable)
      : sink_{std::move(sink)}, on_unreadable_{std::move(unreadable)} {
    place_.fill(absent);
  }

  Result<void> feed(std::string_view piece) {
    while (!piece.empty()) {
      const auto end = piece.find('\n');
      const auto part = piece.substr(0, end);
      if (held_.size() + part.size() > line_bytes_max)
        return core::invalid_input(
            fmt::format("line {} is over {} bytes: this is no output of sacct", counts_.lines + 1,
                        line_bytes_max));
      if (end == std::string_view::npos) {
        held_ += part;
        return {};
      }
      auto read = Result<void>{};
      if (held_.empty()) {
        read = take_line(part);
      } else {
        held_ += part;
        read = take_line(held_);
        held_.clear();
      }
      if (!read) return read;
      piece.remove_prefix(end + 1);
    }
    return {};
  }

  Result<void> finish() {
    if (!held_.empty()) {
      const auto last = std::exchange(held_, {});
      if (auto read = take_line(last); !read) return read;
    }
    hand_over();
    if (!has_titles_)
      return core::invalid_input("there is no line of titles",
                                 "made by: " + std::string{sacct_command});
    return {};
  }

  const Counts& counts() const { return counts_; }

 private:
  Result<void> take_line(std::string_view line) {
    ++counts_.lines;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return {};
    cells_.clear();
    for (;;) {
      const auto bar = line.find('|');
      cells_.push_back(line.substr(0, bar));
      if (bar == std::string_view::npos) break;
      line.remove_prefix(bar + 1);
    }
    if (!has_titles_) return take_titles();
    take_row();
    return {};
  }

  Result<void> take_titles() {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const auto found = std::find_if(titles.begin(), titles.end(), [&](const auto& title) {
        return lower(title) == lower(cells_[i]);
      });
      if (found != titles.end()) place_[static_cast<std::size_t>(found - titles.begin())] = i;
    }
    std::string missing;
    if (place_[Column::id_raw] == absent && place_[Column::id] == absent) missing = "JobIDRaw";
    for (const auto column : needed) {
      if (place_[column] != absent) continue;
      missing += (missing.empty() ? "" : ", ") + std::string{titles[column]};
    }
    if (!missing.empty())
      return core::invalid_input(fmt::format("line {}: no column {}", counts_.lines, missing),
                                 "made by: " + std::string{sacct_command});
    titles_ = cells_.size();
    has_titles_ = true;
    return {};
  }

  std::string_view cell(Column::Name column) const {
    return place_[column] == absent ? std::string_view{} : cells_[place_[column]];
  }

  void take_row() {
    // A name may hold the separator; which cell is which is then anybody's guess.
    if (cells_.size() != titles_)
      return leave_out(fmt::format("{} cells under {} titles", cells_.size(), titles_));
    const auto key = cell(place_[Column::id_raw] == absent ? Column::id : Column::id_raw);
    if (key.empty() || key[0] < '0' || key[0] > '9') return leave_out("it begins with no job id");
    const auto dot = key.find('.');
    if (dot != std::string_view::npos) return add_step(key.substr(0, dot));
    hand_over();
    slurm::Job job;
    job.states = {std::string{cell(Column::state)}};
    auto& attempt = attempt_.emplace();
    attempt.line = counts_.lines;
    attempt.native_id = key;
    attempt.cluster = cell(Column::cluster);
    attempt.account = cell(Column::account);
    attempt.user = cell(Column::user);
    attempt.partition = cell(Column::partition);
    attempt.name = cell(Column::name);
    attempt.submit_s = seconds_of(cell(Column::submit));
    attempt.eligible_s = seconds_of(cell(Column::eligible));
    attempt.start_s = job.start_s = seconds_of(cell(Column::start));
    attempt.end_s = seconds_of(cell(Column::end));
    attempt.gpus = slurm::gpus_of_tres(cell(Column::tres));
    attempt.outcome = outcome_of(job, attempt.end_s.has_value());
  }

  void leave_out(std::string_view why) {
    ++counts_.unreadable;
    if (counts_.first_unreadable == 0) counts_.first_unreadable = counts_.lines;
    if (on_unreadable_) on_unreadable_(counts_.lines, why);
  }

  // The rows `17.batch`, `17.0` and `17.extern` stand below that of 17; the last is Slurm's own.
  void add_step(std::string_view job) {
    if (!attempt_ || attempt_->native_id != job) return;
    const auto key = cell(place_[Column::id_raw] == absent ? Column::id : Column::id_raw);
    if (key.ends_with(".extern")) return;
    const auto began = seconds_of(cell(Column::start));
    if (began && (!attempt_->first_step_s || *began < *attempt_->first_step_s))
      attempt_->first_step_s = began;
    const auto gpus = slurm::gpus_of_tres(cell(Column::tres));
    // A batch step is given the whole node's GPUs whether it asks or not.
    if (gpus.value_or(0) > 0 && !key.ends_with(".batch"))
      attempt_->step_gpus = attempt_->step_gpus.value_or(0) + *gpus;
  }

  void hand_over() {
    if (attempt_) sink_(std::move(*attempt_));
    attempt_.reset();
  }

  Sink sink_;
  Unreadable on_unreadable_;
  Counts counts_;
  std::string held_;
  std::vector<std::string_view> cells_;
  std::array<std::size_t, Column::count> place_{};
  std::size_t titles_ = 0;
  bool has_titles_ = false;
  std::optional<Attempt> attempt_;
};

SlurmAccounting::SlurmAccounting(Sink sink, Unreadable unreadable)
    : state_{std::make_unique<State>(std::move(sink), std::move(unreadable))} {}
SlurmAccounting::~SlurmAccounting() = default;
Result<void> SlurmAccounting::feed(std::string_view piece) { return state_->feed(piece); }
Result<void> SlurmAccounting::finish() { return state_->finish(); }
const SlurmAccounting::Counts& SlurmAccounting::counts() const { return state_->counts(); }

Result<std::int64_t> read_slurm_accounting_json(std::string_view text,
                                                const SlurmAccounting::Sink& sink) {
  auto records = slurm::read_json(text);
  if (!records) return records.error();
  for (auto& job : records->jobs) {
    Attempt attempt;
    if (!job.start_s) job.start_s = job.recorded_start_s;
    if (!job.end_s) job.end_s = job.recorded_end_s;
    attempt.outcome = outcome_of(job, job.end_s.has_value());
    attempt.native_id = std::move(job.id);
    attempt.cluster = std::move(job.cluster);
    attempt.account = std::move(job.account);
    attempt.user = std::move(job.user);
    attempt.partition = std::move(job.partition);
    attempt.name = std::move(job.name);
    attempt.gpus = job.gpus;
    attempt.submit_s = job.submit_s;
    attempt.eligible_s = job.eligible_s;
    attempt.start_s = job.start_s;
    attempt.end_s = job.end_s;
    attempt.first_step_s = job.first_step_s;
    attempt.step_gpus = job.step_gpus;
    sink(std::move(attempt));
  }
  return records->unreadable;
}

}  // namespace amdahl::scheduler_adapters
