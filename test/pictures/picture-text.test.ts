import { createCanvas } from '@napi-rs/canvas';
import { describe, expect, it, test } from 'vitest';
import { drawableText, type HanForms, hanForms } from '../../src/pictures/fonts.ts';
import { personNameLines } from '../../src/pictures/person-name.ts';
import { TextPainter } from '../../src/pictures/text.ts';

const STYLE = { size: 40, color: '#000000' };

/** The pixels of a text drawn in black on white. */
function drawn(text: string, forms: HanForms = 'chinese'): { width: number; pixels: Buffer } {
  const canvas = createCanvas(900, 80);
  const ctx = canvas.getContext('2d');
  ctx.fillStyle = '#ffffff';
  ctx.fillRect(0, 0, 900, 80);
  const width = new TextPainter(ctx, forms).draw(text, 10, 55, STYLE);
  return { width, pixels: Buffer.from(ctx.getImageData(0, 0, 900, 80).data) };
}

/** Columns without ink between the first and the last that have some. */
function gaps(pixels: Buffer): number {
  const inked = Array.from({ length: 900 }, (_, x) => x).filter((x) =>
    Array.from({ length: 80 }, (_, y) => pixels[(y * 900 + x) * 4] ?? 255).some((red) => red < 255),
  );
  return (inked.at(-1) ?? 0) - (inked[0] ?? 0) + 1 - inked.length;
}

const NAMES = {
  Latin: 'Æneas Müller-Łukasiewicz',
  Greek: 'Διονυσίος Παπαδόπουλος',
  Cyrillic: 'Люксембург Ёжиков',
  Arabic: 'قباني لنزار',
  Hebrew: 'שרון דבורה',
  Thai: 'สมชาย ใจดี',
  Chinese: '王小东 張偉',
  Japanese: '山田太郎 やまだ タロウ',
  Korean: '洪吉洞 홍길동',
  'beyond the basic plane': '𠮷野',
} as const;

describe('text in any script', () => {
  for (const [script, name] of Object.entries(NAMES)) {
    test(`${script}: each letter has a glyph of its own`, () => {
      expect(drawableText(name, 'chinese').text).toBe(name.normalize('NFC'));
      const letters = [...new Set(name.replaceAll(/[\s\p{M}-]/gu, ''))];
      const missing = drawn('\ufffd').pixels;
      const empty = drawn(' ').pixels;
      const pictures = letters.map((letter) => drawn(letter).pixels);
      for (const picture of pictures) {
        expect(picture.equals(missing)).toBe(false);
        expect(picture.equals(empty)).toBe(false);
      }
      expect(new Set(pictures.map((picture) => picture.toString('latin1'))).size).toBe(letters.length);
    });
  }

  it('is never drawn by fonts of the machine: a character that ours lack is shown as a replacement', () => {
    expect(drawableText('a\u{12000}b', 'chinese').text).toBe('a\ufffdb');
    expect(drawn('\u{12000}').pixels.equals(drawn('\ufffd').pixels)).toBe(true);
  });

  it('joins Arabic letters, from right to left', () => {
    expect(gaps(drawn('محمد').pixels)).toBe(0);
    expect(gaps(drawn('mhmd').pixels)).toBeGreaterThan(0);
    expect(drawn('دمحم').pixels.equals(drawn('محمد').pixels)).toBe(false);
  });

  it('draws Han characters in the forms of the country', () => {
    expect(drawn('骨', 'japanese').pixels.equals(drawn('骨', 'chinese').pixels)).toBe(false);
    expect(hanForms(['', 'ISO 2022 IR 87'], 'Yamada^Tarou=山田^太郎')).toBe('japanese');
    expect(hanForms(['ISO_IR 192'], 'Yamada^Tarou=山田^太郎=やまだ^たろう')).toBe('japanese');
    expect(hanForms(['', 'ISO 2022 IR 149'], 'Hong^Gildong=洪^吉洞')).toBe('korean');
    expect(hanForms(['GB18030'], 'Wang^XiaoDong=王^小东')).toBe('chinese');
  });

  it('is cut with dots only where that was asked for, and breaks no number from its unit', () => {
    const text = new TextPainter(createCanvas(10, 10).getContext('2d'), 'chinese');
    const narrow = text.width('of about 12.5', STYLE) + 1;
    expect(text.wrap('of about 12.5 ml', narrow, STYLE)).toEqual(['of about', '12.5 ml']);
  });
});

describe('a person name', () => {
  it('shows its alphabetic and its ideographic group', () => {
    expect(personNameLines('Yamada^Tarou=山田^太郎=やまだ^たろう')).toEqual(['Yamada, Tarou', '山田 太郎']);
  });

  it('shows prefix, middle name and suffix, and what stands alone', () => {
    expect(personNameLines('Adams^John Robert^Quincy^Rev.^B.A.')).toEqual([
      'Adams, Rev. John Robert Quincy, B.A.',
    ]);
    expect(personNameLines('=王^小东')).toEqual(['王 小东']);
    expect(personNameLines('==ほん^きるどん')).toEqual(['ほん きるどん']);
    expect(personNameLines('')).toEqual([]);
  });
});
