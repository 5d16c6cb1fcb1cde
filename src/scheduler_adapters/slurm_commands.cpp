#include "slurm_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "amdahl/core/quantity.hpp"

namespace amdahl::scheduler_adapters::slurm {

namespace {

// For sh: whatever stands between single quotes is itself.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

bool says_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Calls `take` with each piece of `text` between separators.
template <class Take>
void each_piece(std::string_view text, char separator, Take take) {
  while (!text.empty()) {
    const auto end = text.find(separator);
    take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

std::string job_script(const std::filesystem::path& shim, const std::filesystem::path& directory) {
  return fmt::format("#!/bin/sh\nexec {} job {}\n", shell_quoted(shim.string()),
                     shell_quoted(directory.string()));
}

std::vector<std::string> sbatch_words(const JobRequest& request,
                                      const std::filesystem::path& script) {
  std::vector<std::string> words{"sbatch",
                                 "--parsable",
                                 "--hold",
                                 "--no-requeue",
                                 "--dependency=singleton",
                                 "--job-name=" + request.name,
                                 "--comment=" + request.comment,
                                 "--chdir=" + request.directory.string(),

                                 "--output=" + request.log,
                                 "--open-mode=append",
                                 "--export=ALL",  // of sbatch's own environment, which we choose
                                 fmt::format("--nodes={}", request.nodes),
                                 "--ntasks-per-node=1",
                                 fmt::format("--cpus-per-task={}", request.cpus_per_node)};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.push_back(option + value);
  };
  add("--partition=", request.partition);
  add("--account=", request.account);
  add("--qos=", request.qos);
  if (!request.pinned_nodes.empty())
    words.push_back(fmt::format("--nodelist={}", fmt::join(request.pinned_nodes, ",")));
  if (request.gpus_per_node > 0)
    words.push_back(fmt::format("--gres=gpu:{}", request.gpus_per_node));
  if (request.memory_mib_per_node > 0)
    words.push_back(fmt::format("--mem={}M", request.memory_mib_per_node));
  if (request.minutes > 0) words.push_back(fmt::format("--time={}", request.minutes));
  words.push_back(script.string());
  return words;
}

std::variant<std::string, Failure> read_sbatch(int status, std::string_view output,
                                               std::string_view error) {
  const std::string message{trimmed(error)};
  // `17` or `17;cluster`, also beside warnings.
  const auto line = trimmed(output);
  const auto id = line.substr(0, line.find(';'));
  if (const auto number = core::parse_whole(id); number && *number > 0) return std::string{id};
  if (status == 0) {
    return Failure{FailureClass::unknown_outcome,
                   "sbatch printed no job id: " + std::string{line.substr(0, 200)}};
  }
  if (says_any(error, {"connect failure", "Connection refused", "Resource temporarily unavailable",
                       "temporarily unable to accept", "Slurm backup controller in standby mode"}))
    return Failure{FailureClass::retryable, message};
  if (says_any(error, {"Protocol authentication error", "Munge", "munge", "Invalid authentication",
                       "expired"}))
    return Failure{FailureClass::auth, message};
  // The controller's refusal, in its words; anything on the way there may have passed it.
  if (says_any(error, {"Socket timed out", "imed out", "Zero Bytes", "Transport endpoint",
                       "ommunication", "nexpected message"}))
    return Failure{FailureClass::unknown_outcome, message};
  if (says_any(error,
               {"Batch job submission failed:", "invalid partition", "Invalid", "unrecognized"}))
    return Failure{FailureClass::permanent, message};
  return Failure{FailureClass::unknown_outcome,
                 message.empty() ? fmt::format("sbatch ended with status {}", status) : message};
}

Gpus gpus_of_gres(std::string_view gres) {
  Gpus gpus;
  int depth = 0;
  std::string plain;  // without `(S:0-1,2)`
  for (const char c : gres) {
    depth += c == '(' ? 1 : 0;
    if (depth == 0) plain += c;
    if (c == ')' && depth > 0) --depth;
  }
  each_piece(plain, ',', [&](std::string_view item) {
    if (item != "gpu" && !item.starts_with("gpu:")) return;
    const auto last = item.rfind(':');
    const auto count = last == std::string_view::npos ? std::optional<std::int64_t>{1}
                                                      : core::parse_whole(item.substr(last + 1));
    const auto type_end = count && last != std::string_view::npos ? last : item.size();
    gpus.count += count.value_or(1);
    if (type_end > 4 && gpus.type.empty()) gpus.type = item.substr(4, type_end - 4);
  });
  return gpus;
}

std::vector<Node> read_sinfo(std::string_view text) {
  std::vector<Node> nodes;
  each_piece(text, '\n', [&](std::string_view line) {
    std::array<std::string_view, 4> cells;
    std::size_t count = 0;
    each_piece(line, '|', [&](std::string_view cell) {
      if (count < cells.size()) cells[count] = trimmed(cell);
      ++count;
    });
    if (count != cells.size() || cells[0].empty()) return;
    const auto gpus = gpus_of_gres(cells[3]);
    const auto whole = [](std::string_view cell) {
      return core::parse_whole(cell.substr(0, cell.find('+'))).value_or(0);
    };
    const bool known = std::any_of(nodes.begin(), nodes.end(),
                                   [&](const Node& node) { return node.name == cells[0]; });
    // A node of several partitions is printed for each.
    if (!known)
      nodes.push_back(
          {std::string{cells[0]}, whole(cells[1]), whole(cells[2]), gpus.count, gpus.type});
  });
  return nodes;
}

std::optional<std::string> config_value(std::string_view text, std::string_view name) {
  std::optional<std::string> found;
  each_piece(text, '\n', [&](std::string_view line) {
    const auto equals = line.find('=');
    if (found || equals == std::string_view::npos || trimmed(line.substr(0, equals)) != name)
      return;
    found = trimmed(line.substr(equals + 1));
  });
  return found;
}

}  // namespace amdahl::scheduler_adapters::slurm
