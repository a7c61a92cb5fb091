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
  const uses = () => modelUses(configuredNames(config), candidates, database);
  const report = async () => {
    const models = await uses();
    // Of a candidate that is none any more, or in use by now, nothing is done.
    const open = (await openCandidates(database)).filter(({ class: ofClass, candidate: name }) =>
      models.some((one) => one.class === ofClass && one.candidate === name && one.inUse !== name),
    );
    return candidateReport(await comparedCandidates(database), open);
  };
  return {
    modelsInUse: uses,
    candidates: {
      report,
      page: async () => ({
        title: CANDIDATE_TEXTS.title,
        body: candidatesBody(await report(), config.http.basePath),
      }),
    },
  };
}
