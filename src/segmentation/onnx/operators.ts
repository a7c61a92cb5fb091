import type { GraphBuilder, Value } from './graph.ts';

export const add = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Add', [a, b], broadcast(a, b));
export const subtract = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Sub', [a, b], broadcast(a, b));
export const multiply = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Mul', [a, b], broadcast(a, b));
export const divide = (g: GraphBuilder, a: Value, b: Value): Value => g.node('Div', [a, b], broadcast(a, b));

function broadcast(a: Value, b: Value): readonly number[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const length = (value: Value, i: number) => value.shape[i - rank + value.shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => Math.max(length(a, i), length(b, i)));
}

export function reshape(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  return g.node('Reshape', [x, g.integers(shape)], shape);
}

export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  return g.node('Transpose', [x], order.map((axis) => x.shape[axis] ?? 0), { perm: { ints: order } });
}

/** Matrices are the last two axes. */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  return g.node('MatMul', [a, b], [...a.shape.slice(0, -1), b.shape.at(-1) ?? 0]);
}

export function concat(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const along = values.reduce((sum, value) => sum + (value.shape[axis] ?? 0), 0);
  return g.node('Concat', values, values[0]?.shape.with(axis, along) ?? [], { axis: { int: axis } });
}

export function softmax(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node('Softmax', [x], x.shape, { axis: { int: axis } });
}

/** Mean over one axis, which stays with length 1. */
export function reduceMean(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node('ReduceMean', [x], x.shape.with(axis, 1), { axes: { ints: [axis] }, keepdims: { int: 1 } });
}

/** The exact form, with the error function. */
export function gelu(g: GraphBuilder, x: Value): Value {
  const erf = g.node('Erf', [divide(g, x, g.scalar(Math.SQRT2))], x.shape);
  return multiply(g, multiply(g, x, add(g, erf, g.scalar(1))), g.scalar(0.5));
}
