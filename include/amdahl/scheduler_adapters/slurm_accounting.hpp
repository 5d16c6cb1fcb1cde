#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "amdahl/core/attempt.hpp"
#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"

namespace amdahl::scheduler_adapters {

/// What a person runs to get a file that SlurmAccounting reads.
inline constexpr std::string_view sacct_command =
    "SLURM_TIME_FORMAT=%s sacct -a -D -P -S now-30days -o JobIDRaw,JobName,User,Account,Partition,"
    "Cluster,State,Submit,Eligible,Start,End,AllocTRES";
/// The columns of it.
inline constexpr std::string_view sacct_columns =
    sacct_command.substr(sacct_command.find("JobIDRaw"));

/// Reads what `sacct --parsable2` prints, with its line of titles, in any order of columns and in
/// pieces of any size; `--parsable` too. Steps add to the attempt above them. Memory is bounded by
/// one line.
class SlurmAccounting {
 public:
  using Sink = std::function<void(core::Attempt&&)>;
  /// Told of each line that cannot be read, and why.
  using Unreadable = std::function<void(std::int64_t line, std::string_view why)>;
  struct Counts {
    std::int64_t lines = 0;
    std::int64_t unreadable = 0;        ///< lines without an id, or with fewer cells than titles
    std::int64_t first_unreadable = 0;  ///< its line; 0 = none
  };

  explicit SlurmAccounting(Sink sink, Unreadable unreadable = {});
  ~SlurmAccounting();
  SlurmAccounting(const SlurmAccounting&) = delete;
  SlurmAccounting& operator=(const SlurmAccounting&) = delete;

  /// Fails where the titles lack what is needed, or a line has no end: nothing more is read then.
  core::Result<void> feed(std::string_view piece);
  /// The text is over.
  core::Result<void> finish();
  const Counts& counts() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The same from `sacct --json` or `GET /slurmdb/v0.0.NN/jobs`, whole. How many records had no id.
core::Result<std::int64_t> read_slurm_accounting_json(std::string_view text,
                                                      const SlurmAccounting::Sink& sink);

/// Unix seconds.
struct AccountingSpan {
  std::int64_t since_s = 0, until_s = 0;
};
struct AccountingListener {
  SlurmAccounting::Sink attempt;
  SlurmAccounting::Unreadable unreadable;
  std::function<bool()> go_on;  ///< asked now and then; false = enough
};

/// Everybody's attempts that Slurm's accounting has of that span, requeued ones too, as they come:
/// from `sacct -D`, or from slurmrestd in pages of a day and less. Nobody has to wait for all of
/// them in memory. What the listener throws goes through.
core::Result<SlurmAccounting::Counts> read_slurm_cluster(const SlurmOptions& options,
                                                         core::Clock& clock,
                                                         const AccountingSpan& span,
                                                         const AccountingListener& listener);

}  // namespace amdahl::scheduler_adapters
