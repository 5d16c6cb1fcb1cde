#include "ledger_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>

#include "amdahl/ledger/export.hpp"
#include "config_file.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

Result<std::string> ledger_url(Context& context, bool owner) {
  const auto config = context.services.configuration();
  if (!config) return config.error();
  const auto& file = owner ? config->owner_url_file : config->url_file;
  if (file.empty()) {
    return Error{
        ErrorCode::invalid_config,
        owner ? "no connection of the ledger's owner is configured" : "no ledger is configured",
        owner ? "set ledger.owner_url_file" : "set ledger.url_file"};
  }
  return read_secret(file);
}

// A file that stands under its name only once it is whole.
class Draft {
 public:
  explicit Draft(fs::path target)
      : target_{std::move(target)},
        path_{fmt::format("{}.{}.draft", target_.string(), ::getpid())},
        // It may hold salts: nobody else reads it.
        fd_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)} {
    if (fd_ < 0) note(path_);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!finished_) ::unlink(path_.c_str());
  }
  void write(std::string_view text) {
    constexpr std::size_t enough = std::size_t{1} << 20U;
    pending_ += text;
    if (pending_.size() >= enough) flush();
  }
  bool failed() const { return !problem_.empty(); }
  Result<void> finish() {
    flush();
    if (!failed() && ::fsync(fd_) != 0) note(path_);
    if (!failed() && ::rename(path_.c_str(), target_.c_str()) != 0) note(target_.string());
    if (failed()) return Error{ErrorCode::failed, problem_, "is the disk full?"};
    finished_ = true;
    const auto folder = target_.has_parent_path() ? target_.parent_path() : fs::path{"."};
    const int held = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (held >= 0) {
      ::fsync(held);
      ::close(held);
    }
    return {};
  }

 private:
  void note(const std::string& where) {
    problem_ = fmt::format("cannot write {}: {}", where, std::strerror(errno));
  }
  void flush() {
    std::string_view rest{pending_};
    while (!rest.empty() && !failed()) {
      const auto written = ::write(fd_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) note(path_);
      rest.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    pending_.clear();
  }

  fs::path target_;
  std::string path_, pending_, problem_;
  int fd_;
  bool finished_ = false;
};

struct NotWritten {};

Result<ledger::ExportSummary> export_to(const fs::path& file, const std::string& url) {
  Draft draft{file};
  if (draft.failed()) return draft.finish().error();
  ledger::ExportSummary summary;
  try {
    summary = ledger::export_ledger(url, [&draft](std::string_view text) {
      draft.write(text);
      if (draft.failed()) throw NotWritten{};
    });
  } catch (const NotWritten&) {
    // The draft says why.
  }
  if (const auto finished = draft.finish(); !finished) return finished.error();
  return summary;
}

void print_summary(Context& context, std::ostream& out, std::string_view verb,
                   const ledger::ExportSummary& summary) {
  const nlohmann::json document{{"schema", "amdahl.ledger_copy/v1"},
                                {"rows", summary.rows},
                                {"hidden_salts", summary.hidden_salts},
                                {"sha256", summary.sha256}};
  if (&out == &context.env.out && print_document(context, document)) return;
  if (context.options.quiet) return;
  out << fmt::format("{} rows {}, SHA-256 {}\n", summary.rows, verb, summary.sha256);
  if (summary.hidden_salts > 0) {
    out << fmt::format(
        "without the salts of {} undecided experiments: a copy to import is made with --owner\n",
        summary.hidden_salts);
  }
}

}  // namespace

ExitCode run_export(Context& context, const Args& args) {
  const auto url = ledger_url(context, args.has("owner"));
  if (!url) return report(context.env, url.error());
  const auto file = args.text("FILE");
  auto& out = context.env.out;
  if (file == "-") {
    const auto summary =
        ledger::export_ledger(*url, [&out](std::string_view text) { out << text; });
    if (!out.flush()) {
      return report(context.env, {ErrorCode::failed, "cannot write standard output", {}});
    }
    print_summary(context, context.env.err, "exported", summary);
    return ExitCode::ok;
  }
  const auto summary = export_to(file, *url);
  if (!summary) return report(context.env, summary.error());
  print_summary(context, out, "exported", *summary);
  return ExitCode::ok;
}

ExitCode run_import(Context& context, const Args& args) {
  const auto url = ledger_url(context, true);
  if (!url) return report(context.env, url.error());
  const auto summary = ledger::import_ledger(*url, args.text("FILE"));
  if (!summary) return report(context.env, summary.error());
  print_summary(context, context.env.out, "imported", *summary);
  return ExitCode::ok;
}

}  // namespace amdahl::cli
