/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file journal.hpp
 * The journal for C++17: handles that close themselves, std::string_view, exceptions. It is a thin
 * layer over journal.h, whose structs, promises and words it keeps; what is not here is called
 * there, with .get().
 *
 *     tesser::store store{"./journal"};
 *     auto states = store.states();
 *     auto state = states.load();                  defaults when nothing was stored yet
 *     state->has_portfolio_equity = true;
 *     state->portfolio_equity = tesser::decimal("1250.50");
 *     states.save(*state);                         durable on return
 *
 *     tesser::transaction txn{store};
 *     txn.put_price({tesser::identity("binance_perp:BTCUSDT"), tesser::decimal("64000.10")});
 *     std::uint64_t sequence = txn.commit();
 *
 * A call that fails throws tesser::error. Threads are those of the C calls.
 */
#ifndef TESSER_JOURNAL_HPP
#define TESSER_JOURNAL_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tesser/journal.h>

namespace tesser
{

/** What a call that failed has to say: tj_error as an exception. */
class error : public std::exception
{
public:
    explicit error(const tj_error &details) noexcept : details_(details) {}
    const char *what() const noexcept override { return details_.message; }
    tj_status status() const noexcept { return details_.status; }
    const char *place() const noexcept { return details_.place; }
    /** What can be done about it, in a sentence. */
    const char *advice() const noexcept
    {
        return tj_advice_text(tj_status_advice(details_.status));
    }
    const tj_error &details() const noexcept { return details_; }

private:
    tj_error details_;
};

/** Throws when a status is not TJ_OK; the details must be those of the same call. */
inline void check(tj_status status, const tj_error &details)
{
    if (status != TJ_OK) {
        throw error(details);
    }
}

/** Calls a function of the C interface whose last argument is the tj_error. */
template <typename Function, typename... Arguments>
void call(Function function, Arguments &&...arguments)
{
    tj_error details = TJ_ERROR_INIT;
    check(function(std::forward<Arguments>(arguments)..., &details), details);
}

/* A callback of C++ on its way through C: `submit` passes (function, context) on. */
namespace detail
{
template <typename Done>
void completed(void *context, tj_status status, std::uint64_t sequence,
               const tj_error *details) noexcept
{
    std::unique_ptr<Done> done(static_cast<Done *>(context));
    (*done)(status, sequence, details);
}
template <typename Done, typename Submit> void submit(Done done, Submit submit)
{
    static_assert(std::is_invocable_v<Done &, tj_status, std::uint64_t, const tj_error *>,
                  "done(tj_status, std::uint64_t, const tj_error *)");
    auto kept = std::make_unique<Done>(std::move(done));
    submit(&completed<Done>, static_cast<void *>(kept.get()));
    (void)kept.release(); /* completed() has it now */
}
} // namespace detail

/* ---- values ------------------------------------------------------------------------------- */

inline tj_str str(std::string_view text) noexcept { return tj_str{text.data(), text.size()}; }
inline std::string_view view(tj_str text) noexcept
{
    return text.data ? std::string_view(text.data, text.size) : std::string_view();
}

inline tj_decimal decimal(std::string_view text)
{
    tj_decimal value;
    call(tj_decimal_parse, str(text), &value);
    return value;
}
inline std::string to_string(tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    return std::string(text, tj_decimal_format(value, text));
}

/** "binance_perp:BTCUSDT"; it borrows the text. */
inline tj_identity identity(std::string_view text)
{
    tj_identity value;
    call(tj_identity_parse, str(text), &value);
    return value;
}

inline tj_uuid uuid(std::string_view text)
{
    tj_uuid value;
    call(tj_uuid_parse, str(text), &value);
    return value;
}
inline std::string to_string(tj_uuid id)
{
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    return text;
}

/** RFC 3339. */
inline tj_time time(std::string_view text)
{
    tj_time value;
    call(tj_time_parse, str(text), &value);
    return value;
}

/* ---- what the library allocates ------------------------------------------------------------ */

template <auto Release> struct releaser {
    template <typename Object> void operator()(Object *object) const noexcept
    {
        Release(object);
    }
};

using live_state = std::unique_ptr<tj_live_state, releaser<tj_live_state_free>>;
using algo_record = std::unique_ptr<tj_algo_record, releaser<tj_algo_record_free>>;
using algo_list = std::unique_ptr<tj_algo_list, releaser<tj_algo_list_free>>;
using ledger_list = std::unique_ptr<tj_ledger_list, releaser<tj_ledger_list_free>>;
using book_list = std::unique_ptr<tj_book_list, releaser<tj_book_list_free>>;

/* ---- repositories: cheap to copy, valid as long as their store ----------------------------- */

class states
{
public:
    explicit states(tj_state_repository *repository) noexcept : repository_(repository) {}
    live_state load() const
    {
        tj_live_state *state = nullptr;
        call(tj_state_load, repository_, &state);
        return live_state(state);
    }
    void save(const tj_live_state &state) const { call(tj_state_save, repository_, &state); }
    tj_state_repository *get() const noexcept { return repository_; }

private:
    tj_state_repository *repository_;
};

class algos
{
public:
    explicit algos(tj_algo_repository *repository) noexcept : repository_(repository) {}
    /** The payload is any JSON text, and kept byte for byte. */
    void save(const tj_uuid &id, std::string_view plugin, std::string_view payload) const
    {
        tj_algo_state state = {str(plugin), str(payload)};
        call(tj_algo_save, repository_, &id, &state);
    }
    algo_record load(const tj_uuid &id) const
    {
        tj_algo_record *record = nullptr;
        call(tj_algo_load, repository_, &id, &record);
        return algo_record(record);
    }
    algo_list load_all() const
    {
        tj_algo_list *list = nullptr;
        call(tj_algo_load_all, repository_, &list);
        return algo_list(list);
    }
    void remove(const tj_uuid &id) const { call(tj_algo_delete, repository_, &id); }
    tj_algo_repository *get() const noexcept { return repository_; }

private:
    tj_algo_repository *repository_;
};

class ledger
{
public:
    explicit ledger(tj_ledger_repository *repository) noexcept : repository_(repository) {}
    /** All or none; returns the number of the last one. */
    std::uint64_t append(const tj_ledger_entry *entries, std::size_t count) const
    {
        std::uint64_t last = 0;
        call(tj_ledger_append, repository_, entries, count, &last);
        return last;
    }
    std::uint64_t append(const tj_ledger_entry &entry) const { return append(&entry, 1); }
    ledger_list find(const tj_ledger_query &query = TJ_LEDGER_QUERY_INIT) const
    {
        tj_ledger_list *list = nullptr;
        call(tj_ledger_find, repository_, &query, &list);
        return ledger_list(list);
    }
    tj_ledger_repository *get() const noexcept { return repository_; }

private:
    tj_ledger_repository *repository_;
};

/* ---- the store ----------------------------------------------------------------------------- */

class store
{
public:
    explicit store(const tj_config &config)
    {
        tj_store *opened = nullptr;
        call(tj_store_open, &config, &opened);
        handle_.reset(opened);
    }
    explicit store(const char *path) : store(config_of(path)) {}

    /** Closes it, and says how that went; the destructor closes without a word. */
    void close()
    {
        tj_error details = TJ_ERROR_INIT;
        check(tj_store_close(handle_.release(), &details), details);
    }

    /** nullptr: the configured book. */
    tesser::states states(const char *book = nullptr) const
    {
        return tesser::states(found(tj_store_state_repository(get(), book), book));
    }
    tesser::algos algos(const char *book = nullptr) const
    {
        return tesser::algos(found(tj_store_algo_repository(get(), book), book));
    }
    tesser::ledger ledger(const char *book = nullptr) const
    {
        return tesser::ledger(found(tj_store_ledger_repository(get(), book), book));
    }
    void create_book(const char *name) const { call(tj_store_book_create, get(), name); }
    book_list books() const
    {
        tj_book_list *list = nullptr;
        call(tj_store_books, get(), &list);
        return book_list(list);
    }
    /** The first of `count` numbers that nobody else is ever given. */
    std::uint64_t reserve(const char *counter, std::uint64_t count,
                          const char *book = nullptr) const
    {
        std::uint64_t first = 0;
        call(tj_counter_reserve, get(), book, counter, count, &first);
        return first;
    }
    /**
     * The same without waiting for the disk, with a callback as of transaction::submit: none of the
     * numbers may be handed out before it has received TJ_OK.
     */
    template <typename Done>
    std::uint64_t submit_reserve(const char *counter, std::uint64_t count, Done done,
                                 const char *book = nullptr) const
    {
        std::uint64_t first = 0;
        detail::submit(std::move(done), [&](tj_commit_done *function, void *context) {
            call(tj_counter_submit, get(), book, counter, count, function, context, &first);
        });
        return first;
    }
    tj_store_info info() const
    {
        tj_store_info info = TJ_STORE_INFO_INIT;
        call(tj_store_info_get, get(), &info);
        return info;
    }
    tj_metrics metrics() const
    {
        tj_metrics metrics = TJ_METRICS_INIT;
        call(tj_store_metrics, get(), &metrics);
        return metrics;
    }
    /** Readable while completions of submitted commits wait to be taken. */
    int completion_fd() const noexcept { return tj_store_completion_fd(get()); }
    std::size_t complete(std::uint32_t wait_ms = 0) const
    {
        std::size_t count = 0;
        call(tj_store_complete, get(), wait_ms, &count);
        return count;
    }
    void drain(std::uint32_t wait_ms = 0) const { call(tj_store_drain, get(), wait_ms); }
    tj_store *get() const noexcept { return handle_.get(); }

private:
    struct closer {
        void operator()(tj_store *opened) const noexcept
        {
            (void)tj_store_close(opened, nullptr);
        }
    };

    static tj_config config_of(const char *path)
    {
        tj_config config = TJ_CONFIG_INIT;
        config.path = path;
        return config;
    }
    /* A repository that there is not: the store was closed, or the name is no book's. */
    template <typename Repository> Repository *found(Repository *repository, const char *book) const
    {
        if (!repository) {
            tj_error details = TJ_ERROR_INIT;
            details.status = get() ? TJ_INVALID : TJ_CLOSED;
            std::string text = "the store is closed: open another";
            if (get()) {
                text = std::string("\"") + (book ? book : "") + "\" is no name of a book";
            }
            text.copy(details.message, sizeof details.message - 1);
            throw error(details);
        }
        return repository;
    }

    std::unique_ptr<tj_store, closer> handle_;
};

/* ---- one commit over everything ------------------------------------------------------------ */

/** Changes that are committed together. One that is neither committed nor submitted is dropped. */
class transaction
{
public:
    explicit transaction(const store &in)
    {
        tj_txn *begun = nullptr;
        call(tj_txn_begin, in.get(), &begun);
        handle_.reset(begun);
    }

    transaction &use_book(const char *book) { return with(tj_txn_use_book, book); }
    transaction &put_state(const tj_live_state &state) { return with(tj_txn_put_state, &state); }
    transaction &put_order(const tj_order &order) { return with(tj_txn_put_order, &order); }
    transaction &delete_order(std::string_view id) { return with(tj_txn_delete_order, str(id)); }
    transaction &put_portfolio(const tj_portfolio &portfolio)
    {
        return with(tj_txn_put_portfolio, &portfolio);
    }
    /** Of the portfolio, or of the sub-account with that name. */
    transaction &put_position(const tj_position &position, std::string_view sub_account = {})
    {
        return with(tj_txn_put_position, str(sub_account), &position);
    }
    transaction &delete_position(tj_identity symbol, std::string_view sub_account = {})
    {
        return with(tj_txn_delete_position, str(sub_account), symbol);
    }
    transaction &put_balance(const tj_balance &balance, std::string_view sub_account = {})
    {
        return with(tj_txn_put_balance, str(sub_account), &balance);
    }
    transaction &delete_balance(tj_identity currency, std::string_view sub_account = {})
    {
        return with(tj_txn_delete_balance, str(sub_account), currency);
    }
    transaction &put_price(const tj_price &price) { return with(tj_txn_put_price, &price); }
    transaction &delete_price(tj_identity symbol) { return with(tj_txn_delete_price, symbol); }
    transaction &set_portfolio_equity(const tj_decimal &equity)
    {
        return with(tj_txn_set_portfolio_equity, &equity);
    }
    transaction &set_strategy_state(std::string_view json)
    {
        return with(tj_txn_set_strategy_state, str(json));
    }
    transaction &put_algo(const tj_uuid &id, std::string_view plugin, std::string_view payload)
    {
        tj_algo_state state = {str(plugin), str(payload)};
        return with(tj_txn_put_algo, &id, &state);
    }
    transaction &delete_algo(const tj_uuid &id) { return with(tj_txn_delete_algo, &id); }
    transaction &append_ledger(const tj_ledger_entry &entry)
    {
        return with(tj_txn_append_ledger, &entry);
    }

    /** Durable on return; gives the commit's number. */
    std::uint64_t commit(const tj_commit_options &options = TJ_COMMIT_OPTIONS_INIT)
    {
        std::uint64_t sequence = 0;
        call(tj_txn_commit, handle_.release(), &options, &sequence);
        return sequence;
    }

    /**
     * Does not wait for the disk. `done(tj_status, sequence, const tj_error *)` is called by
     * store::complete or store::drain on their thread, and must not throw. What is still in flight
     * when the store is closed is made durable, but never reported, nor `done` released: drain
     * first.
     */
    template <typename Done>
    std::uint64_t submit(Done done, const tj_commit_options &options = TJ_COMMIT_OPTIONS_INIT)
    {
        std::uint64_t sequence = 0;
        detail::submit(std::move(done), [&](tj_commit_done *function, void *context) {
            call(tj_txn_submit, handle_.release(), &options, function, context, &sequence);
        });
        return sequence;
    }

    tj_txn *get() const noexcept { return handle_.get(); }

private:
    template <typename Function, typename... Arguments>
    transaction &with(Function function, Arguments &&...arguments)
    {
        call(function, handle_.get(), std::forward<Arguments>(arguments)...);
        return *this;
    }

    std::unique_ptr<tj_txn, releaser<tj_txn_abort>> handle_;
};

} // namespace tesser

#endif
