import type { RankedSeries } from '../pipeline/run/contest.ts';
import { rivalsOf } from '../pipeline/run/rivals.ts';
import { isSameSeries, selectSeries } from '../pipeline/selection/select.ts';
import { InputError } from './input-error.ts';
import type { DicomFolder, FolderSeries } from './read-folder.ts';
import type { SegmentRequest } from './request.ts';

/** A series of a folder that may be segmented. */
export type FolderChoice = RankedSeries & { readonly folderSeries: FolderSeries };

const IMAGES: ReadonlySet<unknown> = new Set(['CT', 'MR']);

/**
 * The series that is named, or the only one, or those that the rules take for what the model is for, best
 * first; of a series that holds several volumes, the part that the rules choose.
 * @throws {InputError} INPUT_SERIES with the reason for each that was not taken
 */
export function chooseFrom(folder: DicomFolder, request: SegmentRequest): FolderChoice[] {
  const { seriesInstanceUid, input } = request;
  const named = folder.series.filter(
    (one) => seriesInstanceUid === undefined || one.seriesInstanceUid === seriesInstanceUid,
  );
  if (named.length === 0) {
    const listed = folder.series.map((one) => `  ${nameOf(one)}, ${one.files.length} files`);
    const message = `${input} has no series ${seriesInstanceUid}, but:\n${listed.join('\n')}`;
    throw new InputError('INPUT_SERIES', message);
  }
  // Reports, structure sets and the like beside the images are no choice.
  const images = named.filter(({ facts }) => IMAGES.has(facts.modality));
  const [only, ...others] = images.length > 0 ? images : named;
  if (only && others.length === 0) {
    if (only.problem !== undefined)
      throw new InputError('INPUT_SERIES', `${nameOf(only)} is no volume: ${only.problem}`);
    const how = named.length === 1 ? 'the only series of the folder' : 'the only images of the folder';
    return [alone(only, seriesInstanceUid === undefined ? how : 'named by the user', request)];
  }
  return chooseByRules(named, request);
}

/** What a person means, whatever the rules say. */
const alone = (series: FolderSeries, reason: string, { model }: SegmentRequest): FolderChoice => ({
  seriesInstanceUid: series.seriesInstanceUid,
  description: series.description,
  ...(series.part === undefined ? {} : { part: series.part }),
  class: CLASS_OF[model.info.modality],
  certainty: 'yes',
  rank: 1,
  chosen: true,
  reason,
  folderSeries: series,
});

function chooseByRules(
  candidates: readonly FolderSeries[],
  { input, model, rules }: SegmentRequest,
): FolderChoice[] {
  const decisions = selectSeries(candidates, rules());
  const wanted = CLASS_OF[model.info.modality];
  const ranked = rivalsOf(decisions, { has: (name) => name === wanted }, 0).flatMap((one) => one.ranked);
  const choices = ranked.flatMap((one) => {
    const folderSeries = candidates.find((it) => isSameSeries(it, one));
    return folderSeries ? [{ ...one, folderSeries }] : [];
  });
  if (choices.length > 0) return choices;
  const reasons = decisions.map((one) => `  ${nameOf(one)}: ${one.reason}`);
  const message =
    `${input} has no series for a ${model.info.modality} model; ` +
    `name one with --series:\n${reasons.join('\n')}`;
  throw new InputError('INPUT_SERIES', message);
}

const CLASS_OF = { CT: 'CT_ABDOMEN', T1W: 'T1W', T2W: 'T2W' } as const;

const nameOf = ({
  seriesInstanceUid,
  description,
}: Pick<FolderSeries, 'seriesInstanceUid' | 'description'>) =>
  `${seriesInstanceUid || 'without SeriesInstanceUID'} "${description}"`;
