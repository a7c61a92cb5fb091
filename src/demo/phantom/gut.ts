import { type Body, near, type Organ } from './anatomy.ts';
import { type Point, type Ripple, type Shape, type Tube, tube, tubeCentre } from './shapes.ts';
import type { Tissue } from './tissues.ts';

type Control = readonly [x: number, y: number, z: number, radius: number];

function jittered({ random }: Body, controls: readonly Control[], spread: number): Control[] {
  return controls.map(([x, y, z, r]) => {
    const [px, py, pz] = near(random, [x, y, z], spread);
    return [px, py, pz, r * random.uniform(0.85, 1.15)];
  });
}

/** A hollow organ: wall, content, and gas in front of a level where `gas` (0 none, 1 all) asks for it. */
function hollow(body: Body, shape: Tube, content: Tissue, wall: number, gas: number): Organ {
  const { random } = body;
  const organ = {
    shape: shape as Shape,
    layers: [
      { tissue: 'bowelWall' as const, offset: 0 },
      { tissue: content, offset: wall },
    ],
    deviation: random.around(0, 1),
  };
  if (gas <= 0) return organ;
  const { samples } = shape;
  let radius = 0;
  for (let i = 3; i < samples.length; i += 4) radius = Math.max(radius, samples[i] ?? 0);
  return { ...organ, gasBefore: tubeCentre(shape)[1] + radius * (2 * gas - 1) };
}

/** Stomach, duodenum, colon and loops of small bowel, in the order in which they cover each other. */
export function gut(body: Body): Organ[] {
  const { random, placement } = body;
  const fold: Ripple = { amplitude: 1.5, frequency: 0.16, phase: random.uniform(0, 6) };
  const size = random.uniform(0.7, 1.1);
  const stomach = jittered(
    body,
    [
      [62, 22, 96, 24 * size],
      [70, -6, 72, 34 * size],
      [62, -38, 42, 30 * size],
      [34, -56, 18, 22 * size],
      [2, -54, 8, 17],
      [-24, -40, 6, 11],
    ],
    5,
  );
  return [
    ...smallBowel(body),
    ...colon(body),
    hollow(
      body,
      tube(placement, stomach, { ripple: fold }),
      'stomachContent',
      random.uniform(3, 5),
      random.uniform(0.1, 0.5),
    ),
    hollow(body, duodenum(body), 'bowelContent', 2.5, random.uniform(-0.6, 0.35)),
  ];
}

/** The C that holds the head of the pancreas. */
function duodenum(body: Body): Tube {
  const controls: Control[] = [
    [-26, -38, 5, 11],
    [-46, -22, 4, 11],
    [-57, -6, -14, 11],
    [-56, 4, -40, 11],
    [-40, 10, -60, 11],
    [-8, 10, -62, 10],
    [24, 8, -50, 11],
    [38, -4, -36, 11],
  ];
  return tube(body.placement, jittered(body, controls, 3));
}

function colon(body: Body): Organ[] {
  const { random, placement, cavity } = body;
  const haustra: Ripple = { amplitude: 3, frequency: 0.22, phase: random.uniform(0, 6) };
  const side = cavity[0] - 24;
  const courses: Control[][] = [
    [
      [-side, 22, -140, 22],
      [-side, 14, -70, 21],
      [-side + 6, -4, -40, 20],
    ],
    [
      [-side + 8, -20, -42, 19],
      [-62, -62, -52, 18],
      [-10, -70, -58, 17],
      [45, -64, -44, 17],
      [82, -36, 2, 17],
      [side - 6, -2, 30, 17],
    ],
    [
      [side - 4, 6, 28, 16],
      [side, 22, -30, 15],
      [side, 26, -140, 15],
    ],
  ];
  return courses.map((course) =>
    hollow(
      body,
      tube(placement, jittered(body, course, 6), { ripple: haustra }),
      'stool',
      2,
      random.uniform(-0.1, 0.7),
    ),
  );
}

/** Wandering loops below the pancreas and, as jejunum, in front of and beside its tail. */
function smallBowel(body: Body): Organ[] {
  const { random, placement, cavity } = body;
  const organs: Organ[] = [];
  const loops = Math.round(random.uniform(10, 16));
  for (let loop = 0; loop < loops; loop++) {
    const jejunum = loop < 4;
    const start: Point = jejunum
      ? [random.uniform(25, 85), random.uniform(-45, 5), random.uniform(-45, 5)]
      : [random.uniform(-70, 75), random.uniform(-60, 10), random.uniform(-135, -45)];
    const controls: Control[] = [];
    let heading = random.uniform(0, 2 * Math.PI);
    let [x, y, z] = start;
    const radius = random.uniform(8, 14);
    for (let i = 0; i < 6; i++) {
      controls.push([x, y, z, radius * random.uniform(0.85, 1.15)]);
      heading += random.around(0, 1.4);
      x = clamp(x + 24 * Math.cos(heading), -0.75 * cavity[0], 0.75 * cavity[0]);
      z += (jejunum ? 10 : 16) * Math.sin(heading);
      y = clamp(y + random.around(0, 16), -0.75 * cavity[1], 18);
    }
    const gas = random.uniform(-0.9, 0.5);
    organs.push(hollow(body, tube(placement, controls), 'bowelContent', random.uniform(1.8, 3), gas));
  }
  return organs;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** How a gland departs from the usual one; 0 none, 1 as much as is drawn. */
export interface GlandForm {
  /** Body and tail waste more than the head. */
  readonly atrophy?: number;
  /** Fat parts the lobules: a rougher surface. */
  readonly lobulation?: number;
}

/** Shares by which the wasted body and tail are thinner than the head allows, and by which lobules grow. */
const WASTED = 0.3;
const ROUGHER = 0.75;

/**
 * The unscaled gland: thick head in the duodenum's C, thin neck, body arching over spine and aorta, tail
 * towards the spleen.
 */
export function pancreas(body: Body, thickness: number, form?: GlandForm): Tube {
  const { random, placement } = body;
  const rise = random.uniform(-4, 20);
  const arch = random.around(0, 6);
  const controls: Control[] = [
    [-22, 8, -42, 8],
    [-33, 2, -34, 13.5],
    [-35, -4, -19, 15],
    [-27, -12, -7, 12.5],
    [-10, -18, -1, 9],
    [14, -22 + arch * 0.6, 4 + rise * 0.2, 10.5],
    [40, -14 + arch, 10 + rise * 0.5, 11],
    [65, 4 + arch * 0.5, 16 + rise * 0.8, 10.5],
    [86, 18, 21 + rise, 8.5],
    [96, 22, 24 + rise * 1.1, 5.5],
  ];
  const length = random.uniform(0.9, 1.06);
  const shaped = jittered(body, controls, 3).map(
    ([x, y, z, r]): Control => [
      x > 0 ? x * length : x,
      y,
      z,
      r * thickness * (x > 0 ? 1 - WASTED * (form?.atrophy ?? 0) : 1),
    ],
  );
  // A thin gland has small lobules: larger ones would cut it into pieces.
  const rough = form ? (1 + ROUGHER * (form.lobulation ?? 0)) * Math.min(1, thickness) : 1;
  const lobules: Ripple = { amplitude: 1.2 * rough, frequency: 0.42, phase: random.uniform(0, 6) };
  return tube(placement, shaped, { ripple: lobules, steps: 6 });
}
