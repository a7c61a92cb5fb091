import type { Config } from '../config.ts';
import { SERVICE } from '../dicom/dimse/services/sop-classes.ts';
import type { Detour } from '../dicom/web/archive-access.ts';
import { checkDimse } from '../doctor/check-dimse.ts';
import type { Finding } from '../doctor/finding.ts';
import { ENCAPSULATED_PDF_STORAGE } from '../pictures/encapsulated-pdf.ts';
import { SECONDARY_CAPTURE_STORAGE } from '../pictures/secondary-capture.ts';
import { LABEL_MAP_SEGMENTATION_STORAGE, SEGMENTATION_STORAGE } from '../seg/segmentation-forms.ts';
import { REPORT_CLASSES } from '../sr/report-form.ts';
import { composeDimseArchive } from './dimse-archive.ts';

/** @throws what reading the configured certificates throws */
export async function examineDimseArchive(config: Config): Promise<Finding[]> {
  const detours: Detour[] = [];
  const client = composeDimseArchive(config, { detour: (detour) => detours.push(detour) });
  try {
    return await checkDimse({
      client,
      detours,
      watch: config.watch,
      written: writtenClasses(config),
      commitment: config.archive.dimse.commitment.enabled ? SERVICE.storageCommitment : undefined,
      now: () => new Date(),
    });
  } finally {
    await client.close();
  }
}

function writtenClasses({ results }: Config): Record<string, string> {
  const forms = [results.segmentation].flat();
  return {
    ...(forms.some((form) => form !== 'labelmap') ? { Segmentation: SEGMENTATION_STORAGE } : {}),
    ...(forms.includes('labelmap') ? { 'Label Map Segmentation': LABEL_MAP_SEGMENTATION_STORAGE } : {}),
    'Structured Report': REPORT_CLASSES[results.reportClass],
    ...(results.keyImages ? { 'Secondary Capture': SECONDARY_CAPTURE_STORAGE } : {}),
    ...(results.pdf ? { 'Encapsulated PDF': ENCAPSULATED_PDF_STORAGE } : {}),
  };
}
