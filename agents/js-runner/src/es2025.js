/* What ES2025 has and the engine, of April 2025, has not: methods of sets, helpers of iterators.
 * It runs when a script first uses one of them; build.sh puts it into the module. */
((global) => {
  const setHas = Set.prototype.has;
  const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size').get;
  const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([].values()));

  function define(target, methods) {
    for (const [name, value] of Object.entries(methods)) {
      Object.defineProperty(target, name, { value, writable: true, configurable: true });
    }
  }

  function callable(value) {
    if (typeof value !== 'function') throw new TypeError('not a function');
    return value;
  }

  /* GetSetRecord of the specification: anything with size, has and keys. */
  function record(other) {
    if (Object(other) !== other) throw new TypeError('not a set');
    const size = Math.trunc(Number(other.size));
    if (Number.isNaN(size)) throw new TypeError('size is not a number');
    if (size < 0) throw new RangeError('size is negative');
    const has = callable(other.has);
    const keys = callable(other.keys);
    return {
      size,
      has: (value) => Boolean(has.call(other, value)),
      keys: () => {
        const iterator = keys.call(other);
        if (Object(iterator) !== iterator) throw new TypeError('not an iterator');
        return { [Symbol.iterator]: () => iterator };
      },
    };
  }

  /* A plain copy of a set; the receiver must be one. */
  function copy(set) {
    setSize.call(set);
    return new Set(set);
  }

  define(Set.prototype, {
    union(other) {
      setSize.call(this);
      const { keys } = record(other);
      const result = copy(this);
      for (const value of keys()) result.add(value);
      return result;
    },
    intersection(other) {
      const size = setSize.call(this);
      const { size: otherSize, has, keys } = record(other);
      const result = new Set();
      if (size <= otherSize) {
        for (const value of copy(this)) if (has(value)) result.add(value);
      } else {
        for (const value of keys()) if (setHas.call(this, value)) result.add(value);
      }
      return result;
    },
    difference(other) {
      const size = setSize.call(this);
      const { size: otherSize, has, keys } = record(other);
      const result = copy(this);
      if (size <= otherSize) {
        for (const value of copy(this)) if (has(value)) result.delete(value);
      } else {
        for (const value of keys()) result.delete(value);
      }
      return result;
    },
    symmetricDifference(other) {
      setSize.call(this);
      const { keys } = record(other);
      const result = copy(this);
      for (const value of keys()) {
        if (setHas.call(this, value)) result.delete(value);
        else result.add(value);
      }
      return result;
    },
    isSubsetOf(other) {
      const size = setSize.call(this);
      const { size: otherSize, has } = record(other);
      if (size > otherSize) return false;
      for (const value of copy(this)) if (!has(value)) return false;
      return true;
    },
    isSupersetOf(other) {
      const size = setSize.call(this);
      const { size: otherSize, keys } = record(other);
      if (size < otherSize) return false;
      for (const value of keys()) if (!setHas.call(this, value)) return false;
      return true;
    },
    isDisjointFrom(other) {
      const size = setSize.call(this);
      const { size: otherSize, has, keys } = record(other);
      if (size <= otherSize) {
        for (const value of copy(this)) if (has(value)) return false;
      } else {
        for (const value of keys()) if (setHas.call(this, value)) return false;
      }
      return true;
    },
  });

  /* What a helper works on: the receiver as something that for-of reads and closes. */
  function source(iterator) {
    if (Object(iterator) !== iterator) throw new TypeError('not an object');
    const { next } = iterator;
    return {
      [Symbol.iterator]: () => ({
        next: () => next.call(iterator),
        return: () => iterator.return?.() ?? {},
      }),
    };
  }

  function limit(count) {
    const number = Math.trunc(Number(count));
    if (Number.isNaN(number) || number < 0) throw new RangeError('not a count');
    return number;
  }

  function* mapped(values, fn) {
    let index = 0;
    for (const value of values) yield fn(value, index++);
  }

  function* filtered(values, fn) {
    let index = 0;
    for (const value of values) if (fn(value, index++)) yield value;
  }

  function* taken(values, count, iterator) {
    if (count === 0) {
      iterator.return?.();
      return;
    }
    let left = count;
    for (const value of values) {
      yield value;
      if (--left === 0) return;
    }
  }

  function* dropped(values, count) {
    let left = count;
    for (const value of values) {
      if (left > 0) left--;
      else yield value;
    }
  }

  function* flattened(values, fn) {
    let index = 0;
    for (const value of values) {
      const inner = fn(value, index++);
      if (Object(inner) !== inner) throw new TypeError('not an object');
      yield* inner[Symbol.iterator] === undefined ? source(inner) : inner;
    }
  }

  define(iteratorPrototype, {
    map(fn) {
      return mapped(source(this), callable(fn));
    },
    filter(fn) {
      return filtered(source(this), callable(fn));
    },
    take(count) {
      return taken(source(this), limit(count), this);
    },
    drop(count) {
      return dropped(source(this), limit(count));
    },
    flatMap(fn) {
      return flattened(source(this), callable(fn));
    },
    reduce(fn, ...start) {
      let index = 0;
      let [result] = start;
      callable(fn);
      for (const value of source(this)) {
        result = index === 0 && start.length === 0 ? value : fn(result, value, index);
        index++;
      }
      if (index === 0 && start.length === 0) throw new TypeError('nothing to reduce');
      return result;
    },
    toArray() {
      return [...source(this)];
    },
    forEach(fn) {
      for (const _ of mapped(source(this), callable(fn)));
    },
    some(fn) {
      for (const _ of filtered(source(this), callable(fn))) return true;
      return false;
    },
    every(fn) {
      callable(fn);
      let index = 0;
      for (const value of source(this)) if (!fn(value, index++)) return false;
      return true;
    },
    find(fn) {
      for (const value of filtered(source(this), callable(fn))) return value;
      return undefined;
    },
  });

  function Iterator() {
    if (new.target === undefined || new.target === Iterator) throw new TypeError('abstract class');
  }

  Object.defineProperty(Iterator, 'prototype', { value: iteratorPrototype, writable: false });
  define(Iterator, {
    from(value) {
      const iterable = value[Symbol.iterator];
      const iterator = iterable === undefined ? value : iterable.call(value);
      if (Object(iterator) !== iterator) throw new TypeError('not an object');
      return iterator instanceof Iterator ? iterator : mapped(source(iterator), (item) => item);
    },
  });
  define(iteratorPrototype, { constructor: Iterator });
  define(global, { Iterator });
})(globalThis);
