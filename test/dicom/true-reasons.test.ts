import { describe, expect, it } from 'vitest';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { type Attributes, ctAttributes, part10 } from '../support/part10.ts';

const refusalOf = async (attributes: Attributes) => {
  const instances = [0, 2, 4].map((z, k) => {
    const own = { ImagePositionPatient: ['0', '0', String(z)], SOPInstanceUID: `2.25.${10 + k}` };
    return readInstance(part10({ ...ctAttributes(own), ...attributes }), `slice ${k}`);
  });
  return buildVolume(instances, { identity: 'optional' }).then(
    () => undefined,
    (error: unknown) => error,
  );
};

describe('images that no result can be made of are refused with what they are', () => {
  it.each(['FloatPixelData', 'DoubleFloatPixelData'])('%s, as long as pixels are', async (keyword) => {
    const values = new ArrayBuffer(keyword.startsWith('D') ? 8 * 20_000 : 4 * 20_000);
    const refusal = await refusalOf({ PixelData: undefined, [keyword]: [values] });
    expect(refusal).toMatchObject({
      message: expect.stringMatching(new RegExp(`its pixels are ${keyword}`)),
    });
  });

  it.each(['StudyInstanceUID', 'SeriesInstanceUID', 'FrameOfReferenceUID'])(
    'a %s of more characters than a UID has, whether or not identity is asked for',
    async (keyword) => {
      // dcmjs would cut it here, too: the reader is given what another writer may have written.
      const instances = [0, 2].map((z, k) => {
        const own = { ImagePositionPatient: ['0', '0', String(z)], SOPInstanceUID: `2.25.${10 + k}` };
        const instance = readInstance(part10(ctAttributes(own)), `slice ${k}`);
        return { ...instance, dataset: { ...instance.dataset, [keyword]: `1.${'2'.repeat(63)}` } };
      });
      await expect(buildVolume(instances, { identity: 'optional' })).rejects.toMatchObject({
        code: 'DICOM_ATTRIBUTE',
        message: `slice 0: ${keyword} has 65 characters, where a UID has 64 at most: no result can refer to the images`,
      });
    },
  );
});
