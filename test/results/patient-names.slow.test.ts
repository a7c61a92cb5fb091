import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance, requiredText, text } from '../../src/dicom/reading/dataset.ts';
import { describeArchives } from '../support/archives.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { isWhole } from '../support/whole.ts';

/** As long as the term of UTF-8, which it takes the place of. */
const CHARACTER_SET_LENGTH = 'ISO_IR 192'.length;

/** Names in several scripts, and the character set that their images are written in. */
const PATIENTS = [
  { script: 'Chinese', name: 'Wang^XiaoDong=王^小东', term: 'ISO_IR 192' },
  { script: 'Chinese in GB18030', name: 'Wang^XiaoDong=王^小东', term: 'GB18030' },
  { script: 'Japanese', name: 'Yamada^Tarou=山田^太郎=やまだ^たろう', term: 'ISO_IR 192' },
  { script: 'Korean', name: 'Hong^Gildong=洪^吉洞=홍^길동', term: 'ISO_IR 192' },
  { script: 'Arabic', name: 'قباني^لنزار', term: 'ISO_IR 192' },
  { script: 'Arabic in ISO 8859-6', name: 'قباني^لنزار', term: 'ISO_IR 127' },
  { script: 'Greek', name: 'Διονυσιος', term: 'ISO_IR 192' },
  { script: 'Greek in ISO 8859-7', name: 'Διονυσιος', term: 'ISO_IR 126' },
  { script: 'Cyrillic and accents', name: 'Люкceмбypг^Ж=Müller^Zoë', term: 'ISO_IR 192' },
] as const;

const DECODERS: Readonly<Record<string, string>> = {
  GB18030: 'gb18030',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
};

/** The bytes that a decoder turns into the text: looked up among all pairs that the text may need. */
function encoded(name: string, label: string): Buffer {
  const decoder = new TextDecoder(label);
  const table = new Map<string, number[]>();
  for (let high = 0xff; high >= 0x80; high--) {
    for (let low = 0xff; low >= 0x40; low--) table.set(decoder.decode(Uint8Array.of(high, low)), [high, low]);
  }
  for (let byte = 0xff; byte >= 0; byte--) table.set(decoder.decode(Uint8Array.of(byte)), [byte]);
  return Buffer.from(Array.from(name).flatMap((character) => table.get(character) ?? []));
}

/** An image whose name and character set are replaced in its bytes, so that no writer of ours takes part. */
function rewritten(image: Uint8Array, placeholder: string, name: Buffer, term: string): Uint8Array {
  const copy = Buffer.from(image);
  copy.write(term.padEnd(CHARACTER_SET_LENGTH), copy.indexOf('ISO_IR 192'));
  const at = copy.indexOf(placeholder);
  expect(at).toBeGreaterThan(0);
  name.copy(copy, at);
  return copy;
}

describeArchives(
  'names in any script',
  (running) => {
    let runs: SmallRuns;
    beforeAll(async () => {
      runs = await startSmallRuns(running.url, { keyImages: true, pdf: true });
    });
    afterAll(() => runs?.stop());

    it.each(PATIENTS.map((patient, index) => ({ ...patient, study: `2.25.${7200 + index}` })))(
      'come through archive, SEG, report, key images and PDF unharmed: $script',
      async ({ name, term, study }) => {
        const label = DECODERS[term];
        const bytes = label ? encoded(name, label) : Buffer.from(name);
        const placeholder = 'X'.repeat(bytes.length);
        const images = smallCtSeries(study, { PatientName: placeholder, PatientID: study }).map((image) =>
          rewritten(image, placeholder, bytes, term),
        );
        await runs.archive.storeVerified(study, images);
        const forced = { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' } as const;
        await runs.process(study, forced);
        const kinds: string[] = [];
        for (const series of await runs.archive.searchSeries(study)) {
          const modality = text(series, 'Modality') ?? '';
          if (modality === 'CT') continue;
          const uid = requiredText(series, 'SeriesInstanceUID', 'series');
          for await (const result of runs.archive.retrieveSeries(study, uid)) {
            const { dataset } = readInstance(result, modality);
            expect(text(dataset, 'SpecificCharacterSet'), modality).toBe('ISO_IR 192');
            expect(text(dataset, 'PatientName'), modality).toBe(name);
            expect(Buffer.from(result).includes(name), modality).toBe(true);
            kinds.push(modality);
          }
        }
        expect(kinds.toSorted()).toEqual(['DOC', 'OT', 'OT', 'OT', 'OT', 'SEG', 'SR']);
      },
    );
  },
  { embedded: isWhole },
);
