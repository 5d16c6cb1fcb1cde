#include "run_rows.hpp"

#include "ask.hpp"
#include "numbers.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

constexpr int pages_max = 20;  // of 200 rows

}  // namespace

core::Result<void> find_run_row(Context& context, const std::string& run_key, json& row) {
  json query{{"limit", 200}}, document;
  for (int page = 0; page < pages_max; ++page) {
    if (const auto read = read_view(context, "runs", query, document); !read) return read.error();
    for (const auto& run : document.value("runs", json::array())) {
      if (text_or(run.value("run_key", json{}), "") != run_key) continue;
      row = run;
      return {};
    }
    const auto cursor = document.value("next_cursor", json{});
    if (cursor.is_null()) break;
    query["cursor"] = cursor;
  }
  return core::Error{core::ErrorCode::not_found, "no run has the key " + run_key,
                     "amdahl runs lists them"};
}

}  // namespace amdahl::cli
