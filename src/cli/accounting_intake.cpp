#include "accounting_intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "amdahl/diagnosis/fleet.hpp"

namespace amdahl::cli {

namespace {

using core::Attempt;
using ledger::AccountingRow;

constexpr std::size_t batch_rows = 20'000;  // some MB, half a second in the ledger
constexpr std::size_t refusals_shown = 10;
// Slurm keeps names of at most 255 bytes; five of these still fit into a key.
constexpr std::size_t text_bytes_max = 500;

// What the ledger takes as text: broken UTF-8 and NUL become replacement characters.
std::string storable(std::string text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0 && c < 0x80; });
  if (plain) return text;
  std::replace(text.begin(), text.end(), '\0', '\xff');
  const auto quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

std::optional<std::string> refusal_of(const AccountingRow& row) {
  const auto& family = row.family;
  if (family.cluster.empty()) return "it names no cluster: --cluster NAME says which one it is";
  if (row.submit_s <= 0) return "no time of submission, which tells attempts of one job id apart";
  if (family.gpus > diagnosis::gpus_max)
    return fmt::format("{} GPUs are more than any cluster has", family.gpus);
  for (const auto* text : {&family.cluster, &family.account, &family.user, &family.partition,
                           &row.native_id, &row.name}) {
    if (text->size() > text_bytes_max)
      return fmt::format("a name of {} bytes; Slurm keeps at most 255", text->size());
  }
  return std::nullopt;
}

AccountingRow stored_row(Attempt&& attempt, const std::string& cluster) {
  AccountingRow row;
  const auto standing = diagnosis::standing_of(attempt);
  row.standing = static_cast<std::int64_t>(standing);
  if (standing == diagnosis::Standing::counted) {
    const auto charge = diagnosis::charge_of(attempt);
    row.part = static_cast<std::int64_t>(charge.part);
    row.over_gpu_s = charge.over;
    row.launch_gpu_s = charge.launch;
    row.rest_gpu_s = charge.rest;
    row.queue_gpu_s = charge.queue;
  }
  row.name = storable(std::move(attempt.name));
  row.family.name = diagnosis::family_name(row.name);
  row.family.cluster = storable(attempt.cluster.empty() ? cluster : std::move(attempt.cluster));
  row.family.account = storable(std::move(attempt.account));
  row.family.user = storable(std::move(attempt.user));
  row.family.partition = storable(std::move(attempt.partition));
  row.family.gpus = std::max<std::int64_t>(0, attempt.gpus.value_or(0));
  row.native_id = storable(std::move(attempt.native_id));
  row.submit_s = attempt.submit_s.value_or(0);
  row.eligible_s = attempt.eligible_s;
  row.start_s = attempt.start_s;
  row.end_s = attempt.end_s;
  row.first_step_s = attempt.first_step_s;
  row.gpus = attempt.gpus;
  row.step_gpus = attempt.step_gpus;
  if (attempt.outcome) row.outcome = static_cast<std::int64_t>(*attempt.outcome);
  return row;
}

}  // namespace

AccountingIntake::AccountingIntake(ledger::Accounting& accounting, std::string cluster)
    : accounting_{accounting}, cluster_{std::move(cluster)} {
  batch_.reserve(batch_rows);
}

void AccountingIntake::take(Attempt&& attempt) {
  const auto line = attempt.line;
  auto row = stored_row(std::move(attempt), cluster_);
  if (auto problem = refusal_of(row)) return refuse(line, std::move(*problem));
  ++counts_.attempts;
  batch_.push_back(std::move(row));
  if (batch_.size() == batch_rows) send();
}

void AccountingIntake::refuse(std::int64_t line, std::string why) {
  ++counts_.refused;
  if (counts_.refusals.size() < refusals_shown) counts_.refusals.push_back({line, std::move(why)});
}

void AccountingIntake::await() {
  if (!sent_.valid()) return;
  const auto stored = sent_.get();
  counts_.fresh += stored.fresh;
  counts_.changed += stored.changed;
}

void AccountingIntake::send() {
  await();
  if (batch_.empty()) return;
  sent_ = std::async(std::launch::async,
                     [this, rows = std::move(batch_)] { return accounting_.put(rows); });
  batch_ = {};
  batch_.reserve(batch_rows);
}

void AccountingIntake::finish() {
  send();
  await();
}

}  // namespace amdahl::cli
