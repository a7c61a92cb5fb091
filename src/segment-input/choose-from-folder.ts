import { MODALITY_OF } from '../pipeline/run/models.ts';
import { selectSeries } from '../pipeline/selection/select.ts';
import { InputError } from './input-error.ts';
import type { DicomFolder, FolderSeries } from './read-folder.ts';
import type { SegmentRequest } from './request.ts';

interface Choice {
  readonly series: FolderSeries;
  readonly reason: string;
}

const IMAGES: ReadonlySet<unknown> = new Set(['CT', 'MR']);

/**
 * The series that is named, or the only one, or the one that the rules choose for the model; of a series that
 * holds several volumes, the part that the rules choose.
 * @throws {InputError} INPUT_SERIES with the reason for each that was not taken
 */
export function chooseFrom(folder: DicomFolder, request: SegmentRequest): Choice {
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
    return { series: only, reason: seriesInstanceUid === undefined ? how : 'named by the user' };
  }
  return chooseByRules(named, request);
}

function chooseByRules(candidates: readonly FolderSeries[], { input, model, rules }: SegmentRequest): Choice {
  const decisions = selectSeries(candidates, rules());
  const chosen = decisions.find(
    (one) => one.chosen && one.class !== 'NONE' && MODALITY_OF[one.class] === model.info.modality,
  );
  const found = candidates.find(
    (one) => one.seriesInstanceUid === chosen?.seriesInstanceUid && one.part?.name === chosen.part?.name,
  );
  if (chosen && found) return { series: found, reason: chosen.reason };
  const reasons = decisions.map((one) => `  ${nameOf(one)}: ${one.reason}`);
  const message =
    `${input} has no series for a ${model.info.modality} model; ` +
    `name one with --series:\n${reasons.join('\n')}`;
  throw new InputError('INPUT_SERIES', message);
}

const nameOf = ({
  seriesInstanceUid,
  description,
}: Pick<FolderSeries, 'seriesInstanceUid' | 'description'>) =>
  `${seriesInstanceUid || 'without SeriesInstanceUID'} "${description}"`;
