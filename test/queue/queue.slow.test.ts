import { describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { describeFailure } from '../../src/pipeline/failures.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { queueBehaviour } from '../support/queue-behaviour.ts';
import { queueControlBehaviour } from '../support/queue-control-behaviour.ts';

describe('on the embedded database', () => {
  queueBehaviour(() => openDatabase({ memory: true }));
});

describe('control, on the embedded database', () => {
  queueControlBehaviour(() => openDatabase({ memory: true }));
});

const LASTING = new DicomError('DICOM_GEOMETRY', 'slice 7 is missing');

describe('the table of failures', () => {
  it.each([
    [500, true],
    [503, true],
    [429, true],
    [408, true],
    [401, true],
    [400, false],
    [404, false],
    [413, false],
  ])('takes status %i of the archive as passing: %s', (status, passing) => {
    expect(describeFailure(new DicomWebStatusError('http://archive', status)).passing).toBe(passing);
  });

  it('finds the code behind a wrapping error', () => {
    const wrapped = new Error('series 3 cannot be read', { cause: LASTING });
    expect(describeFailure(wrapped)).toMatchObject({ code: 'DICOM_GEOMETRY', passing: false });
    expect(describeFailure(wrapped).reason).toContain('series 3 cannot be read');
  });

  it('takes what it does not know as passing, whatever was thrown', () => {
    for (const thrown of [new TypeError('x is undefined'), 'text', undefined]) {
      expect(describeFailure(thrown)).toMatchObject({ code: 'UNEXPECTED', passing: true });
    }
  });
});
