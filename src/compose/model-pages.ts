import { candidatesBody } from '../candidates/page.ts';
import { candidateReport } from '../candidates/summary.ts';
import { CANDIDATE_TEXTS } from '../candidates/texts.ts';
import type { Config } from '../config.ts';
import type { ApiParts } from '../http/api/api-parts.ts';
import type { Sql } from '../store/database/sql.ts';
import { comparedCandidates, openCandidates } from '../store/records/candidates.ts';
import { modelUses } from './model-uses.ts';
import { configuredNames } from './models.ts';

/** What pages and API say of models: which are in use, and how candidates do. */
export function composeModelPages(
  config: Config,
  database: Sql,
): Pick<ApiParts, 'modelsInUse' | 'candidates'> {
  const { candidates } = config.models;
  const report = async () => {
    const open = await openCandidates(database);
    const isConfigured = ({ class: ofClass, candidate }: (typeof open)[number]) =>
      Object.entries(candidates).some(([name, model]) => name === ofClass && model === candidate);
    return candidateReport(await comparedCandidates(database), open.filter(isConfigured));
  };
  return {
    modelsInUse: () => modelUses(configuredNames(config), candidates, database),
    candidates: {
      report,
      page: async () => ({
        title: CANDIDATE_TEXTS.title,
        body: candidatesBody(await report(), config.http.basePath),
      }),
    },
  };
}
