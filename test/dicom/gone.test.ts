import { expect, it } from 'vitest';
import { DicomError, InstanceGone } from '../../src/dicom/dicom-error.ts';
import { DimseStatusError } from '../../src/dicom/dimse/services/status.ts';
import { isGone } from '../../src/dicom/gone.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';

it('is gone what an archive says that it does not have, whatever it speaks, and nothing else', () => {
  const url = 'http://pacs/dicom-web';
  for (const error of [
    new InstanceGone('2.25.1'),
    new DicomWebStatusError(url, 404),
    new DicomWebStatusError(url, 410),
  ])
    expect(isGone(error)).toBe(true);
  for (const error of [
    new DicomError('DICOM_WEB_ANSWER', 'half a list'),
    new DicomError('DICOM_WEB_UNREACHABLE', 'silence'),
    new DicomWebStatusError(url, 503),
    new DimseStatusError('a retrieval', 0x0110),
    new Error('InstanceGone'),
    undefined,
  ])
    expect(isGone(error)).toBe(false);
});
