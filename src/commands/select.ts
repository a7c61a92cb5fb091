import { z } from 'zod';
import { composeArchive } from '../compose/archive.ts';
import { type Config, ConfigError } from '../config.ts';
import { DicomError } from '../dicom/dicom-error.ts';
import { requiredText } from '../dicom/reading/dataset.ts';
import { configuredModels } from '../pipeline/run/models.ts';
import { chooseSeries } from '../pipeline/selection/choose-series.ts';
import { describeSeries } from '../pipeline/selection/describe-series.ts';
import { type Explanation, explainSeries } from '../pipeline/selection/explain.ts';
import { predictStudies, studiesInFile } from '../pipeline/selection/metadata-file.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import type { CandidateSeries, SeriesDecision } from '../pipeline/selection/select.ts';
import { SelectionError } from '../pipeline/selection/selection-error.ts';
import { isOwnResult } from '../results/own-results.ts';
import { mayBeOwnResult } from '../store/records/own-series.ts';
import { defineCommand } from './definition/command.ts';
import { flag, option, optionalText } from './definition/field.ts';
import { print } from './terminal/print.ts';
import { tableOf } from './terminal/table.ts';

/** What would be chosen in a study of the archive, or in each of a file of studies, and why. */
export const select = defineCommand({
  name: 'select',
  help: 'say what would be chosen in a study and why; nothing is processed',
  runs: 'here',
  options: z
    .strictObject({
      studyInstanceUid: option('--study <uid>', 'Study Instance UID, in the archive', optionalText),
      metadata: option(
        '--metadata <file>',
        'a file of studies as DICOM JSON; prints the choices as JSON',
        optionalText,
      ),
      rules: option(
        '--rules <file>',
        'try these rules in place of those of the configuration: a whole table, or a list that comes first',
        optionalText,
      ),
      explain: option(
        '--explain <series>',
        'print what is known of this series, and what each rule says of it',
        optionalText,
      ),
      json: flag('--json', 'print JSON instead of a table'),
    })
    .refine(
      ({ studyInstanceUid, metadata }) => (studyInstanceUid === undefined) !== (metadata === undefined),
      'select: name either a study of the archive (--study) or a file (--metadata)',
    ),
  run: async ({ studyInstanceUid, metadata, rules: tried, explain, json }, { configure }) => {
    const config = configure();
    const { selection } = config;
    const rules = readSelectionRules(tried ?? selection.rules, selection.siteRules);
    if (metadata !== undefined && explain === undefined) {
      print(JSON.stringify(predictStudies(metadata, rules), null, 2));
      return;
    }
    const studies =
      studyInstanceUid === undefined
        ? studiesInFile(metadata ?? '').map(({ candidates }) => candidates)
        : [await candidatesOf(studyInstanceUid, config)];
    if (explain !== undefined) {
      const explained = studies.flatMap((candidates) => explainSeries(explain, candidates, rules));
      if (explained.length === 0)
        throw new SelectionError('SERIES_NAMED', `there is no series ${explain} among what is looked at`);
      if (json) print(JSON.stringify(explained.map(forOutput), null, 2));
      else for (const one of explained) for (const line of explanation(one)) print(line);
      return;
    }
    const models = configuredModels(config.models, config.models.folder);
    const decisions = studies.flatMap((candidates) => chooseSeries(candidates, rules, models));
    if (json) print(JSON.stringify(decisions.map(decisionForOutput), null, 2));
    else for (const line of tableOf(HEADERS, decisions.map(row))) print(line);
  },
});

/** Every series of a study of the archive that the node did not write. */
async function candidatesOf(studyInstanceUid: string, config: Config): Promise<CandidateSeries[]> {
  if (config.archive.kind === 'embedded') {
    throw new ConfigError(
      'select: archive.kind is embedded; name the archive to look into (archive.kind, archive.url)',
    );
  }
  await using open = new AsyncDisposableStack();
  const { client: archive } = open.adopt(composeArchive(config), (it) => it.close());
  const series = await archive.searchSeries(studyInstanceUid);
  if (series.length === 0)
    throw new DicomError('DICOM_WEB_ANSWER', `the archive has no study ${studyInstanceUid}`);
  const foreign: typeof series = [];
  for (const one of series) {
    const uid = requiredText(one, 'SeriesInstanceUID', `a series of study ${studyInstanceUid}`);
    const [first] = mayBeOwnResult(one) ? await archive.seriesMetadata(studyInstanceUid, uid) : [];
    if (!first || !isOwnResult(first)) foreign.push(one);
  }
  return await describeSeries(archive, studyInstanceUid, foreign);
}

const HEADERS = ['chosen', 'class', 'certainty', 'phase', 'coverage', 'images', 'series', 'reason'];

function row(one: SeriesDecision): string[] {
  const { class: taken, certainty, phase, coverageMm, images, description, seriesInstanceUid, reason } = one;
  return [
    chosenWord(one),
    taken,
    certainty,
    phase ?? '',
    coverageMm === undefined ? '' : `${coverageMm} mm`,
    String(images ?? ''),
    `"${description}" ${seriesInstanceUid}`,
    reason,
  ];
}

/** A possible series that leads its class is tried. */
const chosenWord = ({ chosen, rank, certainty }: SeriesDecision): string =>
  chosen ? 'yes' : rank === 1 && certainty === 'possible' ? 'if its pixels confirm it' : 'no';

const decisionForOutput = (decision: SeriesDecision) => {
  const { seriesInstanceUid, description, part, images, certainty, rank, chosen, phase, coverageMm } =
    decision;
  return {
    seriesInstanceUid,
    description,
    part: part?.name ?? null,
    images,
    class: decision.class,
    certainty,
    rank,
    chosen,
    phase: phase ?? null,
    coverageMm: coverageMm ?? null,
    reason: decision.reason,
  };
};

const forOutput = ({ decision, ...one }: Explanation) => ({
  ...one,
  decision: decision ? decisionForOutput(decision) : null,
});

function explanation({ series, facts, rules, decision }: Explanation): string[] {
  const known = Object.entries(facts).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(' \\ ') : String(value),
  ]);
  const verdicts = rules.map((one) => [
    one.decides ? 'decides' : one.holds ? 'holds' : 'no',
    one.gives,
    one.reason,
    one.holds ? '' : one.unmet.map((names) => names.join(', ')).join(' | '),
  ]);
  const end = decision ? [`${decision.class}, ${decision.certainty}: ${decision.reason}`] : [];
  return [
    series,
    '',
    ...tableOf(['fact', 'value'], known),
    '',
    ...tableOf(['verdict', 'gives', 'rule', 'facts that do not fit'], verdicts),
    '',
    ...end,
  ];
}
