-- The salts as verify and export need them: what a verdict revealed, or the owner asks for, as the row's
-- text; of any other the digest of that text, which reveals nothing of its 128 random bits.
CREATE OR REPLACE FUNCTION amdahl.sealed_salts()
RETURNS TABLE (experiment bigint, digest text, row_text text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT experiment_id, encode(sha256(convert_to(text, 'UTF8')), 'hex'),
    CASE WHEN pg_has_role(session_user, current_user, 'MEMBER')
           OR EXISTS (SELECT FROM verdict v WHERE v.experiment_id = s.experiment_id)
         THEN text END
  FROM (SELECT experiment_id, to_jsonb(salted)::text AS text FROM experiment_salt AS salted) AS s
  ORDER BY experiment_id
$$;
