import type { GraphBuilder, Value } from './graph.ts';

export const add = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Add', [a, b], broadcast(a, b));

export const subtract = (g: GraphBuilder, a: Value, b: Value): Value =>
  g.node('Sub', [a, b], broadcast(a, b));

export const multiply = (g: GraphBuilder, a: Value, b: Value): Value =>
  g.node('Mul', [a, b], broadcast(a, b));

export const divide = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Div', [a, b], broadcast(a, b));

export const squareRoot = (g: GraphBuilder, x: Value): Value => g.node('Sqrt', [x], x.shape);

export const scale = (g: GraphBuilder, factor: number, x: Value): Value => multiply(g, x, g.scalar(factor));

export const sum = (g: GraphBuilder, terms: readonly Value[]): Value =>
  terms.reduce((total, term) => add(g, total, term));

function broadcast(a: Value, b: Value): readonly number[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const length = (value: Value, i: number) => value.shape[i - rank + value.shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => Math.max(length(a, i), length(b, i)));
}

export function reshape(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  return g.node('Reshape', [x, g.integers(shape)], shape);
}

export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  const shape = order.map((axis) => x.shape[axis] ?? 0);
  return g.node('Transpose', [x], shape, { perm: { ints: order } });
}

export function concat(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const length = values.reduce((total, value) => total + (value.shape[axis] ?? 0), 0);
  return g.node('Concat', values, values[0]?.shape.with(axis, length) ?? [], { axis: { int: axis } });
}

/** Parts of equal length. */
export function split(g: GraphBuilder, x: Value, parts: number, axis: number): Value[] {
  const shape = x.shape.with(axis, (x.shape[axis] ?? 0) / parts);
  return g.nodes(
    'Split',
    [x],
    Array.from({ length: parts }, () => shape),
    { axis: { int: axis } },
  );
}

/** Matrices are the last two axes. */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  return g.node('MatMul', [a, b], [...a.shape.slice(0, -1), b.shape.at(-1) ?? 0]);
}

export function softmax(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node('Softmax', [x], x.shape, { axis: { int: axis } });
}

/** Over the last axis. */
export function layerNormalization(
  g: GraphBuilder,
  x: Value,
  weight: Value,
  bias: Value,
  epsilon: number,
): Value {
  return g.node('LayerNormalization', [x, weight, bias], x.shape, {
    axis: { int: -1 },
    epsilon: { float: epsilon },
  });
}

/** The exact form, with the error function. */
export function gelu(g: GraphBuilder, x: Value): Value {
  const erf = g.node('Erf', [divide(g, x, g.scalar(Math.SQRT2))], x.shape);
  return scale(g, 0.5, multiply(g, x, add(g, erf, g.scalar(1))));
}

/** The axes stay, with length 1. */
export function reduce(
  g: GraphBuilder,
  operator: 'ReduceMean' | 'ReduceSumSquare',
  x: Value,
  axes: readonly number[],
): Value {
  const shape = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  return g.node(operator, [x], shape, { axes: { ints: axes }, keepdims: { int: 1 } });
}

/** Values of the format's TensorProto.DataType. */
const DATA_TYPES = { float32: 1, float64: 11 } as const;

export function cast(g: GraphBuilder, x: Value, type: keyof typeof DATA_TYPES): Value {
  return g.node('Cast', [x], x.shape, { to: { int: DATA_TYPES[type] } });
}
