#include "amdahl/ledger/accounting.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "amdahl/ledger/errors.hpp"
#include "pq.hpp"
#include "schema.hpp"
#include "statements.hpp"

namespace amdahl::ledger {
namespace {

// A batch of a busy server; another import may hold the totals for as long.
constexpr pq::Settings batch_settings{60'000, 60'000};

/// The array literals of one column.
class Column {
 public:
  Column() { text_.reserve(std::size_t{64} << 10U); }
  void add(const std::string& text) {
    next();
    text_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
    text_ += '"';
  }
  void add(std::int64_t number) {
    next();
    text_ += std::to_string(number);
  }
  void add(const std::optional<std::int64_t>& number) {
    if (number) return add(*number);
    next();
    text_ += "NULL";
  }
  std::string finish() { return std::move(text_ += '}'); }

 private:
  void next() { text_ += text_.empty() ? '{' : ','; }

  std::string text_;
};

template <class Items, class Read>
pq::Arg column(const Items& items, Read read) {
  Column made;
  for (const auto& item : items) made.add(std::invoke(read, item));
  return made.finish();
}

using Row = AccountingRow;
using Family = AccountingRow::Family;

/// The families of a batch, each once, and which of them each row is of.
struct Families {
  explicit Families(std::span<const Row> rows) {
    std::map<std::reference_wrapper<const Family>, std::int64_t, std::less<Family>> known;
    for (const auto& row : rows) {
      const auto [at, fresh] = known.try_emplace(row.family, known.size() + 1);
      if (fresh) all.push_back(&row.family);
      places.push_back(at->second);
    }
  }
  std::vector<const Family*> all;
  std::vector<std::int64_t> places;
};

class PostgresAccounting final : public Accounting {
 public:
  explicit PostgresAccounting(const std::string& url) : session_{url, batch_settings} {
    if (auto problem = server_problem(session_.server_version()); !problem.empty())
      throw SchemaMismatch{problem};
    if (auto problem = schema_problem(read_schema_state(session_)); !problem.empty())
      throw SchemaMismatch{problem};
  }

  Stored put(std::span<const AccountingRow> rows) override {
    if (rows.empty()) return {};
    const Families families{rows};
    const std::vector<pq::Arg> columns{column(families.all, &Family::name),
                                       column(families.all, &Family::cluster),
                                       column(families.all, &Family::account),
                                       column(families.all, &Family::user),
                                       column(families.all, &Family::partition),
                                       column(families.all, &Family::gpus),
                                       column(families.places, std::identity{}),
                                       column(rows, &Row::native_id),
                                       column(rows, &Row::submit_s),
                                       column(rows, &Row::name),
                                       column(rows, &Row::eligible_s),
                                       column(rows, &Row::start_s),
                                       column(rows, &Row::end_s),
                                       column(rows, &Row::first_step_s),
                                       column(rows, &Row::gpus),
                                       column(rows, &Row::step_gpus),
                                       column(rows, &Row::outcome),
                                       column(rows, &Row::standing),
                                       column(rows, &Row::part),
                                       column(rows, &Row::over_gpu_s),
                                       column(rows, &Row::launch_gpu_s),
                                       column(rows, &Row::rest_gpu_s),
                                       column(rows, &Row::queue_gpu_s)};
    const auto answer = session_.value(statements::put_accounting, columns, pq::Effect::writes);
    const auto stored = nlohmann::json::parse(answer.value_or("{}"));
    return {stored.at("fresh"), stored.at("changed")};
  }

 private:
  pq::Session session_;
};

}  // namespace

std::unique_ptr<Accounting> open_accounting(const std::string& url) {
  return std::make_unique<PostgresAccounting>(url);
}

}  // namespace amdahl::ledger
