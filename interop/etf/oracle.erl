%% The OTP side of the command etf: see doc.go. Packets of four bytes of length; the first byte of a request says what is
%% to be done, and the answer has as many parts as the request.
%%
%%   $d, {Len:32, Bytes}…           binary_to_term of each; answers {1, Hash:32, Len:32, Bytes}, which is
%%                                  phash2(T, 1 bsl 32) and term_to_binary(T), or {0, 0:32, 0:32} for badarg
%%   $g, N:32, Seed:64              N random terms; answers {1, Hash:32, Len:32, Bytes} each
-module(oracle).
-export([main/0]).

main() ->
    Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),
    rand:seed(exsss, 1),
    persistent_term:put(pool, << <<(n(256) - 1)>> || _ <- lists:seq(1, 65000) >>),
    loop(Port).

loop(Port) ->
    receive
        {Port, {data, <<$d, Items/binary>>}} ->
            port_command(Port, decode(Items, [])), loop(Port);
        {Port, {data, <<$g, N:32, Seed:64>>}} ->
            rand:seed(exsss, Seed),
            port_command(Port, [answer(term(3)) || _ <- lists:seq(1, N)]), loop(Port);
        {Port, {data, <<$r>>}} ->
            port_command(Port, erlang:system_info(otp_release)), loop(Port);
        {Port, eof} -> halt(0)
    end.

decode(<<Len:32, B:Len/binary, Rest/binary>>, Acc) ->
    A = try binary_to_term(B) of
            T -> answer(T)
        catch
            error:badarg -> <<0, 0:64>>
        end,
    decode(Rest, [A | Acc]);
decode(<<>>, Acc) -> lists:reverse(Acc).

answer(T) ->
    B = term_to_binary(T, [{minor_version, 2}]),
    [<<1, (erlang:phash2(T, 1 bsl 32)):32, (byte_size(B)):32>>, B].

%% ---- random terms

n(N) -> rand:uniform(N).

term(0) -> leaf();
term(D) ->
    case n(10) of
        1 -> list_to_tuple(terms(D));
        2 -> terms(D);
        3 -> terms(D) ++ leaf();
        4 -> maps:from_list([{term(D - 2), term(D - 1)} || D > 1, _ <- lists:seq(1, few(n(40)))]);
        5 -> {atom(), term(D - 1), term(D - 1)};
        6 -> maps:from_list([{atom(), term(D - 1)} || _ <- lists:seq(1, few(n(40)))]);
        7 -> case n(3) =:= 1 andalso erlang:system_info(otp_release) >= "29" of true -> record(D); false -> closure(leaf(), leaf()) end;
        _ -> leaf()
    end.

%% native, which OTP 29 has
record(D) ->
    Fields = lists:usort([atom() || _ <- lists:seq(2, n(5))]),
    Ext = fun(T) -> <<131, B/binary>> = term_to_binary(T, [{minor_version, 2}]), B end,
    binary_to_term(iolist_to_binary([<<131, 67, (length(Fields)):32, (n(2) - 1)>>, Ext(atom()), Ext(atom()), [Ext(F) || F <- Fields],
                                     [Ext(term(D - 1)) || _ <- Fields]])).

terms(D) -> [term(D - 1) || _ <- lists:seq(1, few(n(100)))].

%% mostly few, at times many
few(N) when N < 90 -> N rem 5;
few(N) when N < 100 -> N rem 12;
few(_) -> case n(30) of 1 -> 40 + n(260); _ -> 5 end.

leaf() ->
    case n(22) of
        1 -> n(256) - 1;
        2 -> n(1 bsl 32) - (1 bsl 31);
        3 -> n(1 bsl 64) - (1 bsl 63);
        4 -> big(n(40));
        5 -> case n(200) of 1 -> big(250 + n(20)); 2 -> big(n(3000)); _ -> 0 end;
        6 -> (1 bsl (n(80) - 1)) + n(5) - 3;
        7 -> -(1 bsl (n(80) - 1)) + n(5) - 3;
        8 -> float();
        9 -> float(n(100000)) / 8;
        10 -> binary(n(40) - 1);
        11 -> N = n(7), <<B:N/bitstring, _/bitstring>> = <<(n(256) - 1)>>, <<(binary(n(5) - 1))/binary, B/bitstring>>;
        12 -> binary_to_list(binary(case n(10) of 1 -> n(300); _ -> n(20) end));
        13 -> pid();
        14 -> ref();
        15 -> port();
        16 -> erlang:make_fun(atom(), atom(), n(256) - 1);
        17 -> [n(1000) || _ <- lists:seq(1, n(10))];
        18 -> [float() || _ <- lists:seq(1, n(10))];
        19 -> [];
        _ -> atom()
    end.

big(Bytes) ->
    <<I:Bytes/unit:8>> = rand_bytes(Bytes),
    case n(2) of 1 -> I; 2 -> -I end.

%% from a pool: the random numbers are most of the work here
rand_bytes(N) -> binary:part(persistent_term:get(pool), n(60000), N).

binary(N) ->
    case n(3) of
        1 -> rand_bytes(N);
        _ -> << <<(X rem 95 + 32)>> || <<X>> <= rand_bytes(N) >>
    end.

float() ->
    case rand_bytes(8) of
        <<F/float>> -> F;
        _ -> 0.5
    end.

%% few enough not to fill the table of atoms
atom() ->
    I = n(2000),
    case I rem 8 of
        0 -> list_to_atom(lists:duplicate(I rem 256, $a + I rem 26));
        1 -> list_to_atom([16#e9, $a + I rem 20]);
        2 -> list_to_atom([16#430 + I rem 30, $b]);
        3 -> list_to_atom(lists:duplicate(I rem 256, 16#1f600));
        _ -> list_to_atom("atom_" ++ integer_to_list(I))
    end.

node_ext() -> B = <<"node_", (integer_to_binary(n(20)))/binary, "@host">>, <<119, (byte_size(B)), B/binary>>.

w() -> rand_bytes(4).

pid() ->
    case n(3) of
        1 -> self();
        _ -> binary_to_term(<<131, 88, (node_ext())/binary, (n(max_pid()) - 1):32, (n(8192) - 1):32, (w())/binary>>)
    end.

max_pid() -> case erlang:system_info(otp_release) of "23" -> 1 bsl 15; _ -> 1 bsl 28 end.

ref() ->
    case n(3) of
        1 -> make_ref();
        _ -> binary_to_term(<<131, 90, 3:16, (node_ext())/binary, (w())/binary, 0:14, (n(1 bsl 18) - 1):18, (w())/binary, (w())/binary>>)
    end.

port() -> binary_to_term(<<131, 89, (node_ext())/binary, 0:4, (n(1 bsl 28) - 1):28, (w())/binary>>).

closure(X, Y) ->
    case n(3) of
        1 -> fun() -> X end;
        2 -> fun(A) -> {A, X, Y} end;
        3 -> fun(A, B) -> [A, B | X] end
    end.
