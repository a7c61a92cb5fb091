import { requiredText, text } from '../../src/dicom/reading/dataset.ts';
import type { DicomWebClient } from '../../src/dicom/web/client.ts';

/** The SEGs and reports that an archive holds (QIDO-RS): their SOP Instance UIDs, by study. */
export async function storedResults(
  archive: DicomWebClient,
  studies: readonly string[],
): Promise<Record<'segmentations' | 'reports', Map<string, string[]>>> {
  const found = { SEG: new Map<string, string[]>(), SR: new Map<string, string[]>() };
  for (const study of studies) {
    for (const series of await archive.searchSeries(study)) {
      const modality = text(series, 'Modality');
      if (modality !== 'SEG' && modality !== 'SR') continue;
      const uid = requiredText(series, 'SeriesInstanceUID', 'a series');
      const instances = await archive.searchInstances(study, uid);
      const before = found[modality].get(study) ?? [];
      found[modality].set(study, [
        ...before,
        ...instances.map((one) => requiredText(one, 'SOPInstanceUID', 'an instance')),
      ]);
    }
  }
  return { segmentations: found.SEG, reports: found.SR };
}
