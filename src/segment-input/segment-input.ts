import { checkOutput } from './output-folder.ts';
import type { SegmentRequest } from './request.ts';
import { segmentDicom } from './segment-dicom.ts';
import { isNiftiName, segmentNifti } from './segment-nifti.ts';
import type { SegmentSummary } from './summary.ts';

/**
 * Segments one image on disk, DICOM or NIfTI, without archive or database, and writes results beside
 * `result.json` to the output folder.
 */
export async function segmentInput(request: SegmentRequest): Promise<SegmentSummary> {
  await checkOutput(request.output, request.input);
  return isNiftiName(request.input) ? segmentNifti(request) : segmentDicom(request);
}
