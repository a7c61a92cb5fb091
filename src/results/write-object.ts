import { type WritableDataset, writePart10 } from '../dicom/writing/write.ts';
import { IMPLEMENTATION } from '../implementation.ts';

/** An object of this program as Part 10 bytes; see `writePart10`. */
export const writeObject = (dataset: WritableDataset): Uint8Array => writePart10(dataset, IMPLEMENTATION);
