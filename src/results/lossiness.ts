import { texts } from '../dicom/reading/dataset.ts';
import { isValid } from '../dicom/writing/value-rules.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { type ResultContext, sourceHeader } from './result-context.ts';

/** A result of lossy images says so, and how they were compressed where they say it (PS3.3 C.8.20.2). */
export function lossiness(context: ResultContext): WritableDataset {
  if (!context.series.lossy) return { LossyImageCompression: '00' };
  const header = sourceHeader(context.series);
  const known = ['LossyImageCompressionRatio', 'LossyImageCompressionMethod'].filter((k) =>
    isValid(header, k),
  );
  return {
    LossyImageCompression: '01',
    ...Object.fromEntries(known.map((keyword) => [keyword, texts(header, keyword)])),
  };
}
