import { type DicomDataset, number, requiredText, text } from '../../dicom/dataset.ts';
import type { DicomWebClient } from '../../dicom/web/client.ts';
import { factsOf } from './facts.ts';
import type { CandidateSeries } from './select.ts';

export type SeriesSource = Pick<DicomWebClient, 'searchInstances' | 'instanceMetadata'>;

/**
 * What selection needs to know of each series: QIDO-RS says which there are, the header of the middle instance says what
 * it is. The middle one, because a localizer sometimes stands in front of a stack.
 * @param series as QIDO-RS lists them
 */
export async function describeSeries(
  archive: SeriesSource,
  studyInstanceUid: string,
  series: readonly DicomDataset[],
  signal?: AbortSignal,
): Promise<CandidateSeries[]> {
  const described: CandidateSeries[] = [];
  for (const item of series) {
    const seriesInstanceUid = requiredText(
      item,
      'SeriesInstanceUID',
      `a series of study ${studyInstanceUid}`,
    );
    const instances = await archive.searchInstances(studyInstanceUid, seriesInstanceUid, signal);
    const middle = instances.toSorted(byInstanceNumber)[Math.floor(instances.length / 2)];
    const sopInstanceUid = middle && requiredText(middle, 'SOPInstanceUID', `series ${seriesInstanceUid}`);
    const header = sopInstanceUid
      ? await archive.instanceMetadata(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal)
      : item;
    described.push({
      seriesInstanceUid,
      description: text(header, 'SeriesDescription') ?? text(item, 'SeriesDescription') ?? '',
      facts: factsOf(header, instances.length),
    });
  }
  return described;
}

function byInstanceNumber(a: DicomDataset, b: DicomDataset): number {
  return (number(a, 'InstanceNumber') ?? 0) - (number(b, 'InstanceNumber') ?? 0);
}
