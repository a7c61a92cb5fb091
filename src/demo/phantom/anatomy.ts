import type { Random } from './random.ts';
import {
  ellipsoid,
  type Placement,
  type Point,
  place,
  rotation,
  type Shape,
  type Tube,
  tube,
} from './shapes.ts';
import type { Tissue } from './tissues.ts';

interface Layer {
  readonly tissue: Tissue;
  readonly offset: number;
  /** Share of fat mixed into the tissue, 0 to 1. */
  readonly fat?: number;
}

/** One thing to paint. Later organs cover earlier ones. */
export interface Organ {
  readonly shape: Shape;
  /**
   * Outermost first; a layer is where the implicit function plus `offset` is negative (mm in tubes, fractions
   * in ellipsoids).
   */
  readonly layers: readonly Layer[];
  /** This organ's own deviation from the patient's tissue intensity, -1 to 1. */
  readonly deviation: number;
  /**
   * Patient y (mm, LPS) in front of which the innermost layer holds gas, as in a patient lying on the back.
   */
  readonly gasBefore?: number;
}

/**
 * What every organ is placed by. Nominal coordinates: mm, LPS, origin in front of the first lumbar vertebra.
 */
export interface Body {
  readonly random: Random;
  readonly placement: Placement;
  /** Half-widths of the abdominal cavity, mm. */
  readonly cavity: readonly [x: number, y: number];
  /** Thickness of fat under the skin and of the muscular wall, mm. */
  readonly fat: number;
  readonly wall: number;
}

export function createBody(random: Random): Body {
  return {
    random,
    placement: {
      rotation: rotation(random.around(0, 0.06), random.around(0, 0.05), random.around(0, 0.09)),
      scale: random.uniform(0.92, 1.08),
      shift: [random.around(0, 8), random.around(0, 8), random.around(0, 12)],
    },
    cavity: [random.around(126, 10), random.around(90, 9)],
    fat: random.uniform(7, 34),
    wall: random.uniform(10, 16),
  };
}

function solid(body: Body, tissue: Tissue, shape: Shape): Organ {
  return { shape, layers: [{ tissue, offset: 0 }], deviation: body.random.around(0, 1) };
}

/** The nominal point moved by up to `spread` mm along each axis. */
export function near(random: Random, [x, y, z]: Point, spread: number): Point {
  return [random.around(x, spread), random.around(y, spread), random.around(z, spread)];
}

/** Torso, lungs, spine, ribs: everything that the organs lie in. */
export function bodyWall(body: Body): Organ[] {
  const { random, placement, cavity, fat, wall } = body;
  const layer = (tissue: Tissue, extra: number, shiftY: number): Organ =>
    solid(
      body,
      tissue,
      ellipsoid(placement, [0, shiftY, 0], [cavity[0] + extra, cavity[1] + extra * 0.95, Infinity], {
        squareness: 0.45,
      }),
    );
  const back = random.around(0, 3);
  return [
    layer('skin', wall + fat + 2, back),
    layer('fat', wall + fat, back),
    layer('muscle', wall, 2),
    layer('fat', 0, 0),
    ...spine(body),
    ...[-1, 1].map((side) =>
      solid(
        body,
        'lung',
        ellipsoid(placement, near(random, [side * 76, 22, 150], 6), [
          random.around(55, 5),
          random.around(70, 6),
          random.around(72, 10),
        ]),
      ),
    ),
    ...ribs(body),
  ];
}

/** Two arms that lie beside the trunk, as in a patient who can't lift them. */
export function loweredArms({ random, placement, cavity, fat, wall }: Body): Organ[] {
  return [-1, 1].map((side) => {
    const radius = random.uniform(36, 48);
    const beside = side * (cavity[0] + wall + fat + radius + random.uniform(4, 14));
    const forward = random.around(10, 25);
    const shape = tube(placement, [
      [beside, forward + 20, 260, radius],
      [beside, forward + 5, 0, radius * 0.9],
      [beside, forward - 20, -260, radius * 0.75],
    ]);
    const layers = [
      { tissue: 'skin', offset: 0 },
      { tissue: 'fat', offset: 2 },
      { tissue: 'muscle', offset: 8 },
      { tissue: 'cortex', offset: radius - 13 },
      { tissue: 'marrow', offset: radius - 9 },
    ] as const;
    return { shape, layers, deviation: random.around(0, 0.5) };
  });
}

function spine(body: Body): Organ[] {
  const { random, placement } = body;
  const organs: Organ[] = [];
  const y = random.around(50, 3);
  for (const side of [-1, 1]) {
    organs.push(solid(body, 'muscle', ellipsoid(placement, [side * 36, y + 36, 0], [30, 24, Infinity])));
    organs.push(
      solid(
        body,
        'muscle',
        tube(placement, [
          [side * 28, y, 30, 9],
          [side * 38, y - 2, -40, 17],
          [side * 48, y - 8, -130, 22],
        ]),
      ),
    );
  }
  const column = ellipsoid(placement, [0, y, 0], [22, 17, Infinity], { squareness: 0.3 });
  organs.push(solid(body, 'disc', column));
  const pitch = random.around(36, 2);
  const phase = random.uniform(0, pitch);
  for (let z = -150 - phase; z < 170; z += pitch) {
    const shape = ellipsoid(placement, [0, y, z], [23, 18, pitch * 0.44], { squareness: 0.9 });
    const layers = [
      { tissue: 'cortex', offset: 0 },
      { tissue: 'marrow', offset: 0.1 },
    ] as const;
    organs.push({ shape, layers, deviation: random.around(0, 0.5) });
    organs.push(solid(body, 'cortex', ellipsoid(placement, [0, y + 40, z - 8], [4, 16, 9])));
    for (const side of [-1, 1])
      organs.push(solid(body, 'cortex', ellipsoid(placement, [side * 16, y + 26, z], [10, 6, 8])));
  }
  organs.push(solid(body, 'liquor', ellipsoid(placement, [0, y + 25, 0], [9, 8, Infinity])));
  return organs;
}

function ribs(body: Body): Organ[] {
  const { random, placement, cavity, wall } = body;
  const organs: Organ[] = [];
  const phase = random.uniform(0, 30);
  for (const side of [-1, 1])
    for (let level = 0; level < 6; level++) {
      const controls: [number, number, number, number][] = [];
      const end = random.around(4.6 - level * 0.12, 0.2);
      for (let angle = 0.55; angle < end - 1.2; angle += 0.25)
        controls.push([
          side * (cavity[0] + wall / 2 - 2) * Math.sin(angle),
          (cavity[1] + wall / 2 - 2) * Math.cos(angle),
          190 - phase - level * 29 - 24 * angle,
          5,
        ]);
      const shape = tube(placement, controls, { steps: 3 });
      const layers = [
        { tissue: 'cortex', offset: 0 },
        { tissue: 'marrow', offset: 2.5 },
      ] as const;
      organs.push({ shape, layers, deviation: random.around(0, 0.5) });
    }
  return organs;
}

/** Liver, spleen, kidneys and gallbladder. */
export function solidOrgans(body: Body): Organ[] {
  const { random, placement } = body;
  const wobble = () => ({ amplitude: random.uniform(0.03, 0.09), frequency: 3, phase: random.uniform(0, 6) });
  const tilt = (amount: number) =>
    rotation(random.around(0, amount), random.around(0, amount), random.around(0, amount));
  const liver = (centre: Point, radii: Point) =>
    ellipsoid(placement, near(random, centre, 6), near(random, radii, 6), {
      tilt: tilt(0.15),
      ripple: wobble(),
    });
  const deviation = random.around(0, 1);
  const organs: Organ[] = [liver([-74, 4, 42], [56, 74, 78]), liver([-28, -38, 72], [82, 40, 40])].map(
    (shape) => ({ shape, layers: [{ tissue: 'liver', offset: 0 }], deviation }),
  );
  organs.push(
    solid(
      body,
      'bile',
      ellipsoid(placement, near(random, [-56, -48, -2], 6), [14, 15, random.uniform(20, 32)], {
        tilt: rotation(0.5, 0.2, 0),
      }),
    ),
    solid(
      body,
      'spleen',
      ellipsoid(placement, near(random, [98, 34, 58], 6), [25, 42, random.around(46, 8)], {
        tilt: rotation(0.2, 0.35, 0.4),
        ripple: wobble(),
      }),
    ),
    ...[-1, 1].map((side) => kidney(body, side)),
  );
  return organs;
}

function kidney({ random, placement }: Body, side: number): Organ {
  const centre = near(random, [side * 66, 46, side < 0 ? -26 : -14], 6);
  const shape = ellipsoid(
    placement,
    centre,
    [random.around(27, 2), random.around(26, 2), random.around(53, 5)],
    {
      tilt: rotation(random.around(-0.2, 0.1), side * 0.25, side * 0.5),
      ripple: { amplitude: 0.04, frequency: 4, phase: random.uniform(0, 6) },
    },
  );
  return {
    shape,
    layers: [
      { tissue: 'kidneyCortex', offset: 0 },
      { tissue: 'kidneyMedulla', offset: 0.28 },
      { tissue: 'fat', offset: 0.78 },
    ],
    deviation: random.around(0, 0.6),
  };
}

/**
 * Aorta, inferior vena cava, portal system and superior mesenteric artery; `pancreas` is the unscaled gland.
 */
export function vessels(body: Body, pancreas: Tube): Organ[] {
  const { random, placement } = body;
  const artery = random.around(0, 1);
  const vein = random.around(0, 1);
  const make = (tissue: 'artery' | 'vein', shape: Shape): Organ => ({
    shape,
    layers: [{ tissue, offset: 0 }],
    deviation: tissue === 'artery' ? artery : vein,
  });
  const aorta = random.around(10, 1.5);
  const [cx, cy, cz] = [random.around(-9, 3), random.around(3, 2), random.around(-8, 3)];
  return [
    make(
      'artery',
      tube(placement, [
        [8, 32, 170, aorta + 1],
        [6, 25, 30, aorta],
        [5, 24, -130, aorta - 1],
      ]),
    ),
    make(
      'vein',
      tube(placement, [
        [-26, 20, 150, 13],
        [-24, 26, 30, 12],
        [-22, 27, -130, 11],
      ]),
    ),
    make(
      'artery',
      tube(placement, [
        [6, 18, 14, 4],
        [4, 4, -6, 4],
        [4, 0, -40, 3.5],
        [2, -8, -90, 3],
      ]),
    ),
    make(
      'vein',
      tube(placement, [
        [-6, -8, -95, 5],
        [cx, cy - 6, -45, 6],
        [cx, cy, cz, 7],
      ]),
    ),
    make(
      'vein',
      tube(placement, [
        [cx, cy, cz, 7.5],
        [-26, 0, 14, 7.5],
        [-46, -8, 34, 7],
        [-66, -6, 46, 5],
      ]),
    ),
    make('vein', splenicVein(body, pancreas, place(placement, [cx, cy, cz]))),
  ];
}

/** Runs along the back of body and tail, touching the gland. */
function splenicVein(body: Body, { samples }: Tube, confluence: Point): Tube {
  const { random } = body;
  const count = samples.length / 4;
  const points: number[] = [...confluence, 6];
  const first = Math.floor(count * 0.5);
  const radius = random.around(4.2, 0.6);
  const lift = random.uniform(-2, 4);
  for (let i = first; i < count; i++) {
    const [x = 0, y = 0, z = 0, r = 0] = samples.subarray(i * 4, i * 4 + 4);
    points.push(x, y + r * 0.85 + radius * 0.6, z + lift, radius);
  }
  const [x = 0, y = 0, z = 0] = points.slice(-4);
  points.push(x + 14, y + 6, z + 6, radius);
  return { kind: 'tube', samples: Float64Array.from(points) };
}
