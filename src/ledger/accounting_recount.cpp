#include "accounting_recount.hpp"

#include <algorithm>
#include <string>

namespace amdahl::ledger {
namespace {

constexpr std::size_t runs_sum = 0, over_sum = 1, launch_sum = 2, queue_sum = 3, first_part_sum = 4;
constexpr std::size_t all_attempts = 5;

std::int64_t whole_or_0(const RowText& row, std::string_view name) {
  return row.integer(name).value_or(0);
}

// As a column of bigint adds: what overflows is another sum.
void add_to(std::int64_t& sum, std::int64_t more) {
  sum =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(more));
}

}  // namespace

void AccountingRecount::add_attempt(const RowText& row) {
  const auto standing = row.integer("standing").value_or(-1);
  add_to(seen_[all_attempts], 1);
  if (standing < 0 || standing >= static_cast<std::int64_t>(all_attempts)) return;
  add_to(seen_[static_cast<std::size_t>(standing)], 1);
  if (standing != 0) return;
  auto& seen = families_[whole_or_0(row, "family_id")].seen;
  add_to(seen[runs_sum], 1);
  add_to(seen[over_sum], whole_or_0(row, "over_gpu_s"));
  add_to(seen[launch_sum], whole_or_0(row, "launch_gpu_s"));
  add_to(seen[queue_sum], whole_or_0(row, "queue_gpu_s"));
  const auto part = std::clamp<std::int64_t>(whole_or_0(row, "part"), 0, 4);
  add_to(seen[first_part_sum + static_cast<std::size_t>(part)], whole_or_0(row, "rest_gpu_s"));
  const auto start = whole_or_0(row, "start_s"), end = whole_or_0(row, "end_s");
  span_seen_.first_s = std::min(span_seen_.first_s.value_or(start), start);
  span_seen_.last_s = std::max(span_seen_.last_s.value_or(end), end);
}

void AccountingRecount::add_family(const RowText& row) {
  auto& family = families_[whole_or_0(row, "family_id")];
  family.there = true;
  family.said = {whole_or_0(row, "runs"),
                 whole_or_0(row, "over_gpu_s"),
                 whole_or_0(row, "launch_gpu_s"),
                 whole_or_0(row, "queue_gpu_s"),
                 whole_or_0(row, "unknown_gpu_s"),
                 whole_or_0(row, "failed_gpu_s"),
                 whole_or_0(row, "timed_out_gpu_s"),
                 whole_or_0(row, "cancelled_gpu_s"),
                 whole_or_0(row, "redo_gpu_s")};
}

void AccountingRecount::add_total(const RowText& row) {
  said_ = {0,
           whole_or_0(row, "not_ended"),
           whole_or_0(row, "without_gpus"),
           whole_or_0(row, "without_times"),
           whole_or_0(row, "experiments"),
           whole_or_0(row, "attempts")};
  said_[0] = said_[all_attempts] - said_[1] - said_[2] - said_[3] - said_[4];
  span_said_ = {row.integer("first_s"), row.integer("last_s")};
}

void AccountingRecount::add(std::string_view table, const RowText& row) {
  if (table == "accounting_attempt") add_attempt(row);
  if (table == "accounting_family") add_family(row);
  if (table == "accounting_total") add_total(row);
}

std::optional<FirstBad> AccountingRecount::finish() const {
  std::optional<std::int64_t> wrong;
  for (const auto& [id, family] : families_) {
    if ((!family.there || family.said != family.seen) && (!wrong || id < *wrong)) wrong = id;
  }
  if (wrong)
    return FirstBad{std::nullopt, "accounting_family", std::to_string(*wrong),
                    "the sums are not those of its attempts"};
  if (said_ != seen_ || span_said_ != span_seen_)
    return FirstBad{std::nullopt, "accounting_total", "1",
                    "the counts are not those of the attempts"};
  return {};
}

}  // namespace amdahl::ledger
