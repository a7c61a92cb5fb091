import type { Volume } from '../../dicom/volume.ts';
import { measure } from '../../segmentation/measure.ts';
import { appearanceOf } from '../../segmentation/plausibility.ts';
import { expectVolume, segment } from '../../segmentation/segment.ts';
import { describeFailure } from '../failures.ts';
import { ctStation } from '../pixels/ct-station.ts';
import type { Look, RankedSeries } from './contest.ts';
import { retrieveSeries } from './retrieve-series.ts';
import type { RunParts } from './run-parts.ts';
import type { RunStage } from './stages.ts';

/** A segmentation as the pixels of a series have to show it. */
export function lookAt(
  volume: Volume,
  {
    mask,
    softMask = mask.map((inside) => inside * FULL),
    measurement: { volumeMl },
  }: {
    readonly mask: Uint8Array;
    readonly softMask?: Uint8Array | undefined;
    readonly measurement: { readonly volumeMl: number };
  },
): Look {
  return { appearance: appearanceOf(volume, { mask, softMask, volumeMl }), volumeMl };
}

/** Of a mask without probabilities: what is in it is sure. */
const FULL = 255;

/**
 * A quick pass over a series that nothing is published of.
 * @returns `unreadable` where its images make no volume; what may pass is thrown, and tried again
 *   with the study
 */
export async function lookQuickly(
  series: RankedSeries,
  run: { readonly studyInstanceUid: string },
  { archive, models, inference, turn }: Pick<RunParts, 'archive' | 'models' | 'inference' | 'turn'>,
  stage: RunStage,
): Promise<Look> {
  const model = await models.load(series.class);
  return lookOr(async () => {
    expectVolume(model, inference);
    const builder = await stage('retrieve', (_, signal) => retrieveSeries(archive, run, series, signal));
    const { volume } = await stage('volume', async () => builder.finish());
    const station = await lookAtStation(series, volume);
    if (station) return station;
    await turn?.begin();
    const found = await stage('segment', (onProgress, signal) =>
      segment(volume, model, { ...inference, mode: 'quick', onProgress, signal }),
    );
    return lookAt(volume, { ...found, measurement: measure(volume, found.mask) });
  });
}

/**
 * What the pixels of a series tell without the network, where its headers leave a doubt; nothing where that
 * is left to the network. Only CT tells so much.
 */
export async function lookAtStation(
  { class: name, certainty }: RankedSeries,
  volume: Volume,
): Promise<Look | undefined> {
  if (name !== 'CT_ABDOMEN' || certainty !== 'possible') return undefined;
  const station = await ctStation(volume);
  if (station === 'unknown') return undefined;
  return { appearance: station === 'chest' ? 'elsewhere' : 'abdomen', volumeMl: 0 };
}

/** What a look shows; `unreadable` where its images are of no use. */
export async function lookOr(look: () => Promise<Look>): Promise<Look> {
  try {
    return await look();
  } catch (error) {
    if (!isOfImages(error)) throw error;
    return { appearance: 'unreadable', volumeMl: 0 };
  }
}

/** Whether it is the images that are of no use, and not the archive, the model or the machine. */
function isOfImages(error: unknown): boolean {
  const { code, passing } = describeFailure(error);
  return !passing && (code.startsWith('DICOM_') || code === 'VOLUME_UNUSABLE');
}
