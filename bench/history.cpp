#include "history.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "amdahl/core/protocol.hpp"
#include "pq.hpp"
#include "stand.hpp"

namespace amdahl::bench {
namespace {

constexpr ledger::pq::Settings patient{600'000, 20'000};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path};
  if (!in) throw std::runtime_error{"cannot read " + path.string()};
  return {std::istreambuf_iterator<char>{in}, {}};
}

core::Protocol protocol_of(const core::JobSpec& job) {
  core::Protocol protocol;
  protocol.job = job;
  protocol.code_digest = std::string(64, 'c');
  protocol.hardware_class = "bench";
  protocol.baseline = core::baseline_configuration(job);
  protocol.changes = {{core::ChangeKind::arg, "knob", "9"}};
  protocol.variant = core::apply(protocol.baseline, protocol.changes).value();
  protocol.sigma0 = 0.01;
  protocol.sigma0_source = "A/A pairs";
  protocol.theta_mei = 0.03;
  for (int check = 0; check < 5; ++check) {
    protocol.checks.push_back({core::CheckKind::seed_and_shard, check + 2, 0, 1, false, 0});
  }
  return protocol;
}

core::LegResult leg() {
  core::LegResult leg;
  leg.started = true;
  leg.exit_code = 0;
  leg.window_us = 2'000'000;
  leg.gpus = 4;
  leg.units = 100;
  leg.sample_digest = "0f343b0931126a20f133d67c2b018a3b";
  leg.phase_seconds = {{"input", 1}, {"compute", 0.5}, {"unknown", 0.5}};
  leg.inside_us = 1'999'000;
  leg.peak_memory_bytes = 100 << 20;
  leg.start_us = 1'700'000'000'000'000;
  return leg;
}

void run(const std::string& owner_url, const std::string& sql) {
  ledger::pq::Session{owner_url, patient}.value(sql, {}, ledger::pq::Effect::writes);
}

}  // namespace

void load_history(const std::string& owner_url, int jobs, const std::filesystem::path& workdir) {
  ledger::pq::Session session{owner_url, patient};
  session.in_transaction([&](ledger::pq::Transaction& tx) {
    tx.script(
        "CREATE TEMP TABLE template (spec jsonb, baseline jsonb, protocol jsonb, leg jsonb, jobs "
        "int)");
    const auto job = bench_job(1, workdir);
    tx.value("INSERT INTO template VALUES ($1::jsonb, $2::jsonb, $3::jsonb, $4::jsonb, $5::int)",
             {core::to_json(job).dump(), core::to_json(core::baseline_configuration(job)).dump(),
              core::to_json(protocol_of(job)).dump(), core::to_json(leg()).dump(),
              std::to_string(jobs)});
    tx.script(read_text(AMDAHL_BENCH_DIR "/history.sql"));
  });
  run(owner_url, "VACUUM ANALYZE");
}

void align_stream(const std::string& owner_url) {
  run(owner_url, "UPDATE amdahl.fdr_stream SET next_t = 4001, wins = 200");
}

void set_noise(const std::string& owner_url) {
  ledger::pq::Session session{owner_url, patient};
  session.in_transaction([](ledger::pq::Transaction& tx) {
    tx.script(
        "SET LOCAL search_path = pg_catalog, amdahl; UPDATE amdahl.job SET sigma0 = 0.01; "
        "SELECT amdahl._seal()");
  });
}

void stop_sealing(const std::string& owner_url) {
  ledger::pq::Session session{owner_url, patient};
  session.in_transaction([](ledger::pq::Transaction& tx) {
    tx.script(
        "DO $$ DECLARE v_table text; BEGIN "
        "FOR v_table IN SELECT name FROM amdahl._chained_tables() LOOP "
        "EXECUTE format('ALTER TABLE amdahl.%I DISABLE TRIGGER seal_insert, "
        "DISABLE TRIGGER seal_update', v_table); END LOOP; END $$; "
        "CREATE OR REPLACE FUNCTION amdahl._seal() RETURNS void LANGUAGE sql AS ''");
  });
}

}  // namespace amdahl::bench
