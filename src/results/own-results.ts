import { type DicomDataset, text } from '../dicom/reading/dataset.ts';

/** How every object that the node writes names its maker; by these it knows its own objects again. */
export const MANUFACTURER = 'pansegnet-node';
export const MANUFACTURER_MODEL_NAME = 'pansegnet-node';

/**
 * Whether this node (or another of its kind) wrote the object, from any data set with its equipment:
 * a file, WADO-RS metadata, or a QIDO-RS answer that was asked for Manufacturer and ManufacturerModelName.
 */
export function isOwnResult(dataset: DicomDataset): boolean {
  return (
    text(dataset, 'Manufacturer') === MANUFACTURER &&
    text(dataset, 'ManufacturerModelName') === MANUFACTURER_MODEL_NAME
  );
}
