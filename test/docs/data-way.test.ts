import { readdirSync } from 'node:fs';
import path from 'node:path';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { STAGES } from '../../src/pipeline/run/stage-names.ts';
import { ARRIVALS, drawDataWay } from '../../tools/structure/draw-data-way.ts';

const SRC = path.resolve(import.meta.dirname, '../../src');

describe("the picture of the data's way", () => {
  const picture = drawDataWay();

  it('names every stage of a run, in order', () => {
    const named = [...picture.matchAll(/class="name stage-name">([^<]+)</g)].map(([, name]) => name);
    expect(named).toEqual(STAGES);
  });

  it('names the folders of arrivals', () => {
    const folders = readdirSync(path.join(SRC, 'arrivals'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(ARRIVALS.map(([folder]) => folder).toSorted()).toEqual(folders.toSorted());
  });

  it('is well-formed, and asks for nothing from elsewhere', () => {
    expect(XMLValidator.validate(picture)).toBe(true);
    expect(picture.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|@import|href=/);
  });
});
