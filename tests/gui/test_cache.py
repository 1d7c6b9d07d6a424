from upsampler_gui.cache import LRU


def test_the_least_recently_used_leave_first():
    cache = LRU(10, len)
    for key in "abc":
        cache[key] = key * 3
    assert cache.get("a") == "aaa"
    cache["d"] = "dddd"
    assert [key for key in "abcd" if key in cache] == ["a", "c", "d"]
    assert (cache.held, len(cache)) == (10, 3)
    assert cache.get("b") is None


def test_replacing_and_clearing_keep_the_count():
    cache = LRU(10, len)
    cache["a"] = "aaaaaa"
    cache["a"] = "aa"
    assert (cache.held, cache.get("a")) == (2, "aa")
    cache.clear()
    assert (cache.held, len(cache)) == (0, 0)


def test_what_is_larger_than_the_cache_is_not_kept():
    cache = LRU(10, len)
    cache["b"] = "b" * 11
    assert "b" not in cache
    assert cache.held == 0
