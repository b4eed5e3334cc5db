# Makes the vectors for which atoms Inspect of package etf puts into quotes. See make-inspect.sh.
#
# Each line is an atom in hexadecimal, a tab, and two letters: whether it is plain (p) or quoted (q) behind a colon, and
# behind a module and a point.

ranges = [
  0x20..0x7E, ?a..?z, ?a..?z, 0xA0..0x24F, 0x250..0x2AF, 0x300..0x36F, 0x300..0x344, 0x370..0x3FF, 0x400..0x52F, 0x530..0x6FF, 0x900..0xDFF, 0xE00..0x10FF,
  0x1200..0x17FF, 0x1D00..0x1FFF, 0x2000..0x2BFF, 0x3040..0x30FF, 0x3100..0x31BF, 0x4E00..0x9FFF, 0xAC00..0xD7A3, 0xA490..0xABFF, 0xF900..0xFFFF,
  0x10000..0x1FFFF, 0x20000..0x31FFF, ?_..?_, ?_..?_, ?0..?9, ?@..?@, ??..??, ?!..?!
]

:rand.seed(:exsss, {1, 2, 3})
any = fn -> Enum.random(Enum.random(ranges)) end

random =
  for _ <- 1..1500 do
    two = [Enum.random(ranges), Enum.random(ranges)]

    for _ <- 1..:rand.uniform(6) do
      c = if :rand.uniform(8) == 1, do: any.(), else: Enum.random(Enum.random(two))
      if :rand.uniform(6) == 1, do: <<c::utf8, Enum.random(0x300..0x344)::utf8>>, else: <<c::utf8>>
    end
    |> Enum.join()
  end

single = for c <- Enum.concat([0xA0..0x5FF, 0x600..0x33FF//13, 0x3400..0xD7FF//101, 0xE000..0xFFFF//29, 0x10000..0x32FFF//997]), do: <<c::utf8>>
further = for c <- Enum.concat([0xA0..0x3FF//3, 0x400..0x33FF//17]), do: <<?a, c::utf8>>

for text <- Enum.uniq(single ++ further ++ random) do
  atom = String.to_atom(text)
  plain = fn s, prefix -> if String.starts_with?(s, prefix <> "\""), do: "q", else: "p" end
  IO.puts([Base.encode16(text, case: :lower), "\t", plain.(inspect(atom), ":"), plain.(inspect(:erlang.make_fun(:m, atom, 1)), "&:m.")])
end
